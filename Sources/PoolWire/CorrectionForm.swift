public import PoolAllocator
internal import StrictJSON

/// A correction as a request says it: names beside the core's form of it.
public struct CorrectionForm: Sendable {
  /// Who pays.
  public let tenant: String
  /// The service definition.
  public let service: String
  /// The model class; nil: every one that has no correction of its own.
  public let modelClass: String?
  /// The factor in thousandths; nil forgets the one in force.
  public let milli: Int32?

  /// The core's form.
  public var correction: Correction {
    let scope = Correction.Scope(
      tenant: NameTable.key(.tenant, tenant), service: NameTable.key(.service, service),
      modelClass: modelClass.map { NameTable.key(.modelClass, $0) })
    return Correction(scope: scope, milli: milli)
  }

  private var named: [(kind: NameKind, name: String)] {
    [(.tenant, tenant), (.service, service)] + (modelClass.map { [(.modelClass, $0)] } ?? [])
  }

  /// Puts its names in a table, so that they can be read while it is in force.
  /// - Throws: `NameCollision`; the table is unchanged then.
  public func intern(into names: inout NameTable) throws(NameCollision) {
    var table = names
    for (kind, name) in named { try table.intern(kind, name) }
    names = table
  }

  /// Takes its names out of a table once.
  public func release(from names: inout NameTable) {
    for (kind, name) in named { names.release(NameTable.key(kind, name)) }
  }
}

extension ClaimReader {
  /// The members of a `signal`. What is forgotten may be of a tenant that the policy lost.
  func correction(_ fields: inout JSONFields) throws -> CorrectionForm {
    let factor = fields.read("correction") { value -> Int32? in
      if value.kind == .string { return try value.choice(["none": nil]) }
      let range = Limits.correctionMilli
      return Int32(try value.milli(in: Int64(range.lowerBound)...Int64(range.upperBound)))
    }
    let forgets = (try? factor.value) == .some(nil)
    let tenant = fields.read("tenant") { forgets ? try $0.name() : try self.tenant($0) }
    let service = fields.read("service") { forgets ? try $0.name() : try self.service($0) }
    let modelClass = fields.optionalName("model_class")
    return CorrectionForm(
      tenant: try tenant.value, service: try service.value, modelClass: try modelClass.value,
      milli: try factor.value)
  }
}
