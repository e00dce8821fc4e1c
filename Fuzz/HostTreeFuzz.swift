// Properties: whatever the files of /proc and /sys hold, reading them does not crash and offers no
// more CPUs than are online, no more memory than the kernel says, and nothing unprintable.
import Glibc

@testable import HardwareProbe

/// The files that an input is cut into, at each byte 0xFF.
private let files = [
  "/proc/meminfo", "/proc/cpuinfo", "/proc/self/mountinfo", "/proc/self/cgroup",
  "/proc/self/status", "/sys/devices/system/cpu/online", "/sys/devices/system/node/online",
  "/sys/devices/system/node/possible", "/sys/devices/system/node/node0/cpulist",
  "/sys/devices/system/node/node0/meminfo", "/sys/devices/system/node/node9/cpumap",
  "/sys/devices/system/node/node9/meminfo",
  "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
  "/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/cpuset.cpus.effective",
  "/sys/bus/pci/devices/0000:1b:00.0/uevent", "/sys/bus/pci/devices/0000:1b:00.0/class",
  "/sys/bus/pci/devices/0000:1b:00.0/mem_info_vram_total",
  "/sys/bus/pci/devices/0000:1b:00.0/local_cpus", "/sys/class/drm/card0/device/uevent",
  "/sys/class/kfd/kfd/topology/nodes/1/properties",
  "/proc/driver/nvidia/gpus/0000:1b:00.0/numa_status",
  "/proc/driver/nvidia/gpus/0000:1b:00.0/information", "/sys/devices/soc0/family",
  "/proc/driver/nvidia-caps/mig-minors",
]

/// A folder for this process, with all that lies between it and the files; the caller removes it.
private let root: String = {
  guard let scratch = getenv("FUZZ_SCRATCH") else { fatalError("FUZZ_SCRATCH names no folder") }
  let root = String(cString: scratch)
  for file in files {
    var made = root
    for part in file.split(separator: "/").dropLast() {
      made += "/" + part
      mkdir(made, 0o755)
    }
  }
  return root
}()

/// libFuzzer's entry point; other return values than 0 are reserved.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHostTree(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  checkTexts(String(decoding: bytes, as: UTF8.self))
  let parts = bytes.split(separator: 0xFF, omittingEmptySubsequences: false)
  for (index, file) in files.enumerated() {
    let path = root + file
    guard index < parts.count, !parts[index].isEmpty else {
      unlink(path)
      continue
    }
    guard let stream = fopen(path, "w") else { fatalError("cannot write \(path)") }
    _ = parts[index].withUnsafeBufferPointer { fwrite($0.baseAddress, 1, $0.count, stream) }
    fclose(stream)
  }
  checkTree()
  return 0
}

private func checkTree() {
  var tree = FileTree(root: root)
  let identity = HostProbe.identity(from: &tree)
  let capacity = HostProbe.capacity(from: &tree)
  let devices = KernelDeviceReader.readAll(from: &tree, catalogue: nil)
  guard capacity.cpus.count <= max(capacity.onlineCPUCount, 0),
    capacity.cpuMilli <= UInt64(capacity.cpus.count) * 1000,
    capacity.memoryBytes <= max(capacity.memoryTotalBytes, 0),
    capacity.numaNodes.allSatisfy({ $0.cpus.intersection(capacity.cpus) == $0.cpus }),
    tree.allNotes.count <= ProbeLimits.notes + 1
  else { fatalError("more than there is: \(capacity)") }
  for text in [identity.hostname, identity.cpuModel, identity.architecture, identity.bootID] {
    checkPrintable(text)
  }
  guard devices.count <= 3 else { fatalError("more GPUs than files: \(devices)") }
  for device in devices {
    for text in [device.name, device.uuid, device.kernelDriver, device.state.reason] {
      if let text { checkPrintable(text) }
    }
    guard device.memoryUsedBytes ?? 0 <= device.memoryTotalBytes ?? .max,
      (0...100).contains(device.busyPercent ?? 0)
    else { fatalError("more used than there is: \(device)") }
  }
}

private func checkPrintable(_ text: String) {
  let isPlain = text.unicodeScalars.allSatisfy { scalar in
    scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
  }
  guard isPlain, text.unicodeScalars.count <= ProbeLimits.nameCharacters + 128 else {
    fatalError("a text that no terminal may show: \(text.debugDescription)")
  }
}

/// Parsers of single texts.
private func checkTexts(_ text: String) {
  if let set = CPUSet(list: text), CPUSet(list: set.list) != set {
    fatalError("a set that is not its own list: \(set.list)")
  }
  if let set = CPUSet(words: text), CPUSet(list: set.list) != set {
    fatalError("a mask that is not its own list: \(set.list)")
  }
  if let address = PCIAddress(text), PCIAddress(address.kernelForm) != address {
    fatalError("a place that is not its own text: \(address)")
  }
  if let identity = PCIIdentity(text), PCIIdentity(identity.text) != identity {
    fatalError("an identity that is not its own text: \(identity)")
  }
  if MIGMinors(text).files(gpu: 0, instance: 1, compute: 0)?.count ?? 2 != 2 {
    fatalError("a MIG device is opened by two files")
  }
  let mounts = CgroupTree.parseMounts(text) + CgroupTree.parseMountTable(text)
  _ = CgroupTree.places(mounts: mounts, memberships: CgroupTree.parseMemberships(text))
  _ = Meminfo(text).bytes("MemTotal")
  _ = CPUInfo(text).machine
  let uevent = Uevent(text)
  _ = (uevent.driver, uevent.address, uevent.identity, uevent.classCode)
}
