import PoolAllocator
import PoolInsight
import Testing

/// What work took, hour by hour.
@Suite("Usage by class and hour")
struct UsageHoursTests {
  private static let tenant = WaitingRoom.key(5, 0)

  private func rows(_ room: WaitingRoom) -> [UsageHours.Row] {
    room.usage.rows(of: Self.tenant, at: room.now)
  }

  @Test("what is reserved is charged or given back, in the hour in which that happens")
  func hours() throws {
    var room = WaitingRoom(gpus: 2)
    room.pass(.seconds(3_000))
    room.ask(rank: 1, runtime: .seconds(7_200))
    room.ask(rank: 3, runtime: .seconds(7_200))
    let first = rows(room)
    #expect(first.map(\.serviceClass) == [.p1, .p3])
    #expect(first.allSatisfy { $0.from == .origin && $0.reserved > .zero && $0.charged == .zero })
    room.pass(.seconds(900))
    room.finish()
    let second = rows(room)
    #expect(second.prefix(2).elementsEqual(first))
    let last = try #require(second.last)
    #expect(second.count == 3 && last.serviceClass == .p1)
    #expect(last.from == Instant(ns: 3_600_000_000_000) && last.reserved == .zero)
    // It ran for a quarter of an hour, on one GPU of weight one.
    #expect(last.charged == Credits(900_000_000))
    #expect(room.usage.rows(of: WaitingRoom.key(5, 9), at: room.now).isEmpty)
  }

  @Test("hours are forgotten, whether or not others come")
  func forgetting() {
    var room = WaitingRoom()
    room.ask()
    #expect(rows(room).count == 1)
    let held = room.usage
    let hours = UsageHours.kept
    #expect(held.rows(of: Self.tenant, at: Instant(ns: hours * 3_600_000_000_000 - 1)).count == 1)
    #expect(held.rows(of: Self.tenant, at: Instant(ns: hours * 3_600_000_000_000)).isEmpty)
    room.finish()
    for _ in 0..<hours { room.pass(.seconds(3_600)) }
    #expect(rows(room).isEmpty)
    room.ask()
    let all = room.usage.rows(of: Self.tenant, at: .origin)
    #expect(all.map(\.from) == [Instant(ns: hours * 3_600_000_000_000)])
  }

  @Test("an image goes on where it was taken")
  func image() throws {
    var room = WaitingRoom()
    room.ask(rank: 1)
    room.pass(.seconds(50))
    let kept = try #require(UsageHours(image: room.usage.image(), in: room.pool))
    #expect(kept == room.usage)
    #expect(UsageHours(image: Array(room.usage.image().dropLast()), in: room.pool) == nil)
    // The lease that lived then is charged to its class.
    var later = kept
    let before = room.logs.count
    room.finish()
    for log in room.logs[before...] { later.fold(log, in: room.pool) }
    #expect(later.rows(of: Self.tenant, at: room.now) == rows(room))
    #expect(rows(room).contains { $0.charged > .zero })
  }
}
