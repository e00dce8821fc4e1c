"""nvidia-ml-py, which knows nothing of the fake, reads it: made machines and captures."""

import os
import unittest
import xml.etree.ElementTree as tree

import pynvml as nv

import machine

H100 = """
[driver]
driver_version = 550.90.07
cuda_version = 12.4
[gpu 0]
name = NVIDIA H100 80GB HBM3
uuid = GPU-0a
bus_id = 00000000:1B:00.0
pci_device_id = 0x233010DE
memory_total = 81559 MiB
memory_reserved = 480 MiB
memory_used = 10 GiB
bar1_total = 128 GiB
architecture = hopper
compute_capability = 9.0
gpu_utilization = 37
memory_utilization = 12
encoder_utilization = 1
power_usage_mw = 312345
power_enforced_limit_mw = 700000
power_limit_mw = 650000
power_min_limit_mw = 200000
power_max_limit_mw = 700000
energy_mj = 123456789012
temperature_c = 41
temperature_memory_c = 52
temperature_slowdown_c = 90
temperature_margin_c = -3
clock_sm_mhz = 1980
max_clock_memory_mhz = 2619
clocks_event_reasons = sw_power_cap hw_thermal
ecc_mode = on
ecc_mode_pending = off
ecc_corrected_volatile_dram = 5
ecc_uncorrected_aggregate_sram = 2
sram_aggregate_parity = 4
remapped_rows_corrected = 3
remapped_rows_pending = yes
row_remapper_histogram = 638, 1, 2, 3, 4
retired_pages_corrected = 2
nvlinks = 18
nvlink_version = 6
nvlink_remote = switch
nvlink_speed_mbps = 26562
fabric_state = 3
fabric_clique = 7
fabric_cluster = 01234567-89ab-cdef-0123-456789abcdef
cpu_affinity = 0-3,64
memory_affinity = 1
accounting_mode = on
accounting_buffer_size = 4000
recovery_action = 2
supported_memory_clocks = 2619, 1593
field 999 = 1
[gpu 0 clocks 2619]
graphics = 1980, 1965
[gpu 0 link 3]
state = down
state = 0
[gpu 0 accounted 77]
gpu_utilization = 9
max_memory = 1 GiB
time_ms = 15
[gpu 0 process 0]
pid = 4711
memory = 9 GiB
sm = 35
mem = 10
[gpu 0 process 1]
pid = 4712
type = C+G
[gpu 1]
name = NVIDIA H100 80GB HBM3
uuid = GPU-0b
nvlinks = 18
nvlink_remote = switch
fabric_state = 3
fabric_clique = 7
fabric_cluster = 01234567-89ab-cdef-0123-456789abcdef
[gpu 2]
handle = GPU_IS_LOST
[gpu 0 peer 1]
ancestor = hostbridge
"""


def refused(call, *arguments):
    """The code that a call answers, 0 for success."""
    try:
        call(*arguments)
    except nv.NVMLError as error:
        return error.value
    return 0


class Machine(unittest.TestCase):
    def setUp(self):
        machine.play(H100)
        nv.nvmlInit()
        self.addCleanup(nv.nvmlShutdown)
        self.gpu = nv.nvmlDeviceGetHandleByIndex(0)

    def test_system(self):
        self.assertEqual(nv.nvmlSystemGetDriverVersion(), "550.90.07")
        self.assertEqual(nv.nvmlSystemGetCudaDriverVersion_v2(), 12040)
        self.assertEqual(nv.nvmlDeviceGetCount(), 3)
        self.assertEqual(refused(nv.nvmlDeviceGetHandleByIndex, 2), nv.NVML_ERROR_GPU_IS_LOST)
        self.assertEqual(refused(nv.nvmlDeviceGetHandleByIndex, 3), nv.NVML_ERROR_INVALID_ARGUMENT)

    def test_identity(self):
        self.assertEqual(nv.nvmlDeviceGetName(self.gpu), "NVIDIA H100 80GB HBM3")
        self.assertEqual(nv.nvmlDeviceGetUUID(self.gpu), "GPU-0a")
        pci = nv.nvmlDeviceGetPciInfo(self.gpu)
        self.assertEqual((pci.busId, pci.busIdLegacy, pci.bus, pci.pciDeviceId),
                         ("00000000:1B:00.0", "0000:1B:00.0", 0x1B, 0x233010DE))
        same = nv.nvmlDeviceGetHandleByPciBusId("0000:1b:00.0")
        self.assertEqual(nv.nvmlDeviceGetIndex(same), 0)
        self.assertEqual(nv.nvmlDeviceGetIndex(nv.nvmlDeviceGetHandleByUUID("GPU-0b")), 1)
        self.assertEqual(nv.nvmlDeviceGetCudaComputeCapability(self.gpu), (9, 0))
        self.assertEqual(nv.nvmlDeviceGetArchitecture(self.gpu), nv.NVML_DEVICE_ARCH_HOPPER)
        self.assertEqual(refused(nv.nvmlDeviceGetSerial, self.gpu), nv.NVML_ERROR_NOT_SUPPORTED)

    def test_memory(self):
        memory = nv.nvmlDeviceGetMemoryInfo(self.gpu, version=nv.nvmlMemory_v2)
        mib = 1 << 20
        self.assertEqual((memory.total, memory.reserved, memory.used, memory.free),
                         (81559 * mib, 480 * mib, 10240 * mib, (81559 - 480 - 10240) * mib))
        first = nv.nvmlDeviceGetMemoryInfo(self.gpu)
        self.assertEqual((first.total, first.used), (81559 * mib, (480 + 10240) * mib))
        self.assertEqual(nv.nvmlDeviceGetBAR1MemoryInfo(self.gpu).bar1Total, 128 << 30)

    def test_load(self):
        rates = nv.nvmlDeviceGetUtilizationRates(self.gpu)
        self.assertEqual((rates.gpu, rates.memory), (37, 12))
        self.assertEqual(nv.nvmlDeviceGetEncoderUtilization(self.gpu)[0], 1)
        found = nv.nvmlDeviceGetComputeRunningProcesses(self.gpu)
        self.assertEqual([(p.pid, p.usedGpuMemory) for p in found],
                         [(4711, 9 << 30), (4712, None)])
        self.assertEqual([p.pid for p in nv.nvmlDeviceGetGraphicsRunningProcesses(self.gpu)], [4712])
        sample = nv.nvmlDeviceGetProcessUtilization(self.gpu, 0)
        self.assertEqual([(s.pid, s.smUtil, s.memUtil) for s in sample], [(4711, 35, 10)])
        self.assertEqual(nv.nvmlDeviceGetAccountingMode(self.gpu), 1)
        self.assertEqual(list(nv.nvmlDeviceGetAccountingPids(self.gpu)), [77])
        stats = nv.nvmlDeviceGetAccountingStats(self.gpu, 77)
        self.assertEqual((stats.gpuUtilization, stats.maxMemoryUsage, stats.time), (9, 1 << 30, 15))

    def test_power_and_clocks(self):
        self.assertEqual(nv.nvmlDeviceGetPowerUsage(self.gpu), 312345)
        self.assertEqual(nv.nvmlDeviceGetEnforcedPowerLimit(self.gpu), 700000)
        self.assertEqual(nv.nvmlDeviceGetPowerManagementLimitConstraints(self.gpu), [200000, 700000])
        self.assertEqual(nv.nvmlDeviceGetTotalEnergyConsumption(self.gpu), 123456789012)
        self.assertEqual(nv.nvmlDeviceGetTemperature(self.gpu, nv.NVML_TEMPERATURE_GPU), 41)
        self.assertEqual(nv.nvmlDeviceGetTemperatureV(self.gpu, nv.NVML_TEMPERATURE_GPU), 41)
        self.assertEqual(nv.nvmlDeviceGetMarginTemperature(self.gpu), -3)
        self.assertEqual(nv.nvmlDeviceGetTemperatureThreshold(
            self.gpu, nv.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN), 90)
        self.assertEqual(nv.nvmlDeviceGetClockInfo(self.gpu, nv.NVML_CLOCK_SM), 1980)
        self.assertEqual(nv.nvmlDeviceGetMaxClockInfo(self.gpu, nv.NVML_CLOCK_MEM), 2619)
        self.assertEqual(nv.nvmlDeviceGetCurrentClocksThrottleReasons(self.gpu), 0x44)
        self.assertEqual(nv.nvmlDeviceGetSupportedMemoryClocks(self.gpu), [2619, 1593])
        self.assertEqual(nv.nvmlDeviceGetSupportedGraphicsClocks(self.gpu, 2619), [1980, 1965])

    def test_health(self):
        self.assertEqual(nv.nvmlDeviceGetEccMode(self.gpu), [1, 0])
        self.assertEqual(nv.nvmlDeviceGetTotalEccErrors(
            self.gpu, nv.NVML_MEMORY_ERROR_TYPE_CORRECTED, nv.NVML_VOLATILE_ECC), 5)
        self.assertEqual(nv.nvmlDeviceGetMemoryErrorCounter(
            self.gpu, nv.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nv.NVML_AGGREGATE_ECC,
            nv.NVML_MEMORY_LOCATION_SRAM), 2)
        self.assertEqual(nv.nvmlDeviceGetRemappedRows(self.gpu), (3, 0, 1, 0))
        banks = nv.nvmlDeviceGetRowRemapperHistogram(self.gpu)
        self.assertEqual((banks.max, banks.high, banks.none), (638, 1, 4))
        self.assertEqual(len(nv.nvmlDeviceGetRetiredPages(self.gpu, 0)), 2)
        status = nv.c_nvmlEccSramErrorStatus_v1_t()
        nv.nvmlDeviceGetSramEccErrorStatus(self.gpu, nv.byref(status))
        self.assertEqual(status.aggregateUncParity, 4)

    def test_fields(self):
        ids = [nv.NVML_FI_DEV_NVLINK_LINK_COUNT, nv.NVML_FI_DEV_MEMORY_TEMP,
               nv.NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION, (nv.NVML_FI_DEV_NVLINK_GET_SPEED, 17),
               nv.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION, nv.NVML_FI_DEV_ECC_SBE_VOL_DEV,
               nv.NVML_FI_DEV_C2C_LINK_COUNT]
        values = nv.nvmlDeviceGetFieldValues(self.gpu, ids)
        self.assertEqual([v.nvmlReturn for v in values], [0, 0, 0, 0, 0, 0, 3])
        self.assertEqual(
            [values[0].value.uiVal, values[1].value.uiVal, values[2].value.ullVal,
             values[3].value.uiVal, values[4].value.uiVal, values[5].value.ullVal],
            [18, 52, 123456789012, 26562, 2, 5])

    def test_links_and_topology(self):
        other = nv.nvmlDeviceGetHandleByIndex(1)
        states = [nv.nvmlDeviceGetNvLinkState(self.gpu, link) for link in range(18)]
        self.assertEqual(states, [1, 1, 1, 0] + [1] * 14)
        self.assertEqual(refused(nv.nvmlDeviceGetNvLinkState, self.gpu, 18),
                         nv.NVML_ERROR_INVALID_ARGUMENT)
        self.assertEqual(nv.nvmlDeviceGetNvLinkVersion(self.gpu, 0), 6)
        self.assertEqual(nv.nvmlDeviceGetNvLinkRemoteDeviceType(self.gpu, 0), 2)
        self.assertEqual(nv.nvmlDeviceGetTopologyCommonAncestor(other, self.gpu), 30)
        self.assertEqual(nv.nvmlDeviceGetP2PStatus(
            self.gpu, other, nv.NVML_P2P_CAPS_INDEX_NVLINK), nv.NVML_P2P_STATUS_OK)
        self.assertEqual(list(nv.nvmlDeviceGetCpuAffinity(self.gpu, 2)), [0xF, 1])
        self.assertEqual(refused(nv.nvmlDeviceGetCpuAffinity, self.gpu, 1),
                         nv.NVML_ERROR_INSUFFICIENT_SIZE)
        self.assertEqual(list(nv.nvmlDeviceGetMemoryAffinity(self.gpu, 1, 0)), [2])
        fabric = nv.c_nvmlGpuFabricInfo_v2_t()
        nv.nvmlDeviceGetGpuFabricInfoV(self.gpu, nv.byref(fabric))
        self.assertEqual((fabric.state, fabric.cliqueId, bytes(fabric.clusterUuid).hex()),
                         (3, 7, "0123456789abcdef0123456789abcdef"))

    def test_early_535_entries_come_out_crooked(self):
        """The driver's own fault, played: pynvml believes in 24 bytes and gets 32."""
        machine.play(H100.replace("[driver]", "[driver]\nprocess_entry_bytes = 32"))
        found = nv.nvmlDeviceGetComputeRunningProcesses_v3(self.gpu)
        self.assertEqual((found[0].pid, len(found)), (4711, 2))
        self.assertNotEqual(found[1].pid, 4712)

    def test_events(self):
        if not hasattr(nv, "nvmlEventSetWait_v2"):
            self.skipTest("this nvidia-ml-py has no event sets")
        machine.play(H100 + "\n[event 0]\ngpu = 0\ndata = 79\n")
        events = nv.nvmlEventSetCreate()
        nv.nvmlDeviceRegisterEvents(self.gpu, nv.nvmlEventTypeXidCriticalError, events)
        event = nv.nvmlEventSetWait_v2(events, 5000)
        self.assertEqual((event.eventType, event.eventData), (8, 79))
        self.assertEqual(refused(nv.nvmlEventSetWait_v2, events, 1), nv.NVML_ERROR_TIMEOUT)
        nv.nvmlEventSetFree(events)

    def test_driver_gone(self):
        nv.nvmlShutdown()
        for code in (9, 18, 999):
            machine.play(f"[driver]\ninit = {code}\n")
            self.assertEqual(refused(nv.nvmlInit), code)
        machine.play(H100)
        nv.nvmlInit()


def mebibytes(text):
    return int(text.split()[0])


class Captures(unittest.TestCase):
    """What a capture says comes back; the capture is read here by other code than the converter."""

    def each_gpu(self, name):
        text = (machine.CAPTURES / name).read_text(encoding="utf-8")
        root = tree.fromstring(text[text.index("<nvidia_smi_log"):])
        machine.play(machine.convert(name))
        nv.nvmlInit()
        self.addCleanup(nv.nvmlShutdown)
        gpus = root.findall("gpu")
        self.assertEqual(nv.nvmlDeviceGetCount(), len(gpus))
        self.assertEqual(nv.nvmlSystemGetDriverVersion(), root.findtext("driver_version"))
        for index, element in enumerate(gpus):
            yield nv.nvmlDeviceGetHandleByIndex(index), element

    def check_whole(self, handle, element):
        self.assertEqual(nv.nvmlDeviceGetName(handle), element.findtext("product_name"))
        self.assertEqual(nv.nvmlDeviceGetUUID(handle), element.findtext("uuid"))
        memory = nv.nvmlDeviceGetMemoryInfo(handle, version=nv.nvmlMemory_v2)
        for part in ("total", "reserved", "used", "free"):
            self.assertEqual(getattr(memory, part) >> 20,
                             mebibytes(element.findtext(f"fb_memory_usage/{part}")))

    def check_partitions(self, handle, element):
        expected = {
            int(device.findtext("index")): (
                int(device.findtext("gpu_instance_id")),
                int(device.findtext("compute_instance_id")),
                mebibytes(device.findtext("fb_memory_usage/total")),
                int(device.findtext("device_attributes/shared/multiprocessor_count")))
            for device in element.iter("mig_device")}
        found = {}
        for index in range(nv.nvmlDeviceGetMaxMigDeviceCount(handle)):
            try:
                mig = nv.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
            except nv.NVMLError_NotFound:
                continue
            attributes = nv.nvmlDeviceGetAttributes_v2(mig)
            found[index] = (
                nv.nvmlDeviceGetGpuInstanceId(mig), nv.nvmlDeviceGetComputeInstanceId(mig),
                nv.nvmlDeviceGetMemoryInfo(mig).total >> 20, attributes.multiprocessorCount)
            instance = nv.nvmlDeviceGetGpuInstanceById(handle, found[index][0])
            profile = nv.nvmlGpuInstanceGetInfo(instance).profileId
            self.assertIn(profile, self.profiles(handle))
            self.assertIn(self.profiles(handle)[profile], nv.nvmlDeviceGetName(mig))
        self.assertEqual(found, expected)

    def profiles(self, handle):
        """Names of the GPU instance profiles by their ids."""
        found = {}
        for number in range(nv.NVML_GPU_INSTANCE_PROFILE_COUNT):
            try:
                info = nv.nvmlDeviceGetGpuInstanceProfileInfo(handle, number, version=2)
            except nv.NVMLError:
                continue
            found[info.id] = info.name.removeprefix("MIG ")
        return found

    def test_a100(self):
        for handle, element in self.each_gpu("a100-mig.xml"):
            self.check_whole(handle, element)
            self.check_partitions(handle, element)
        self.assertEqual(nv.nvmlDeviceGetMigMode(nv.nvmlDeviceGetHandleByIndex(0)), [1, 0])
        first = nv.nvmlDeviceGetHandleByIndex(0)
        process, = nv.nvmlDeviceGetComputeRunningProcesses(first)
        self.assertEqual((process.pid, process.usedGpuMemory >> 20, process.gpuInstanceId),
                         (4711, 9876, 2))
        self.assertEqual([p.pid for p in nv.nvmlDeviceGetMPSComputeRunningProcesses(first)], [4712])
        self.assertEqual(nv.nvmlSystemGetProcessName(4711), "/bin/serve; #1 'quoted'")
        self.assertEqual(nv.nvmlDeviceGetMigDeviceHandleByIndex(first, 0) and refused(
            nv.nvmlDeviceGetUtilizationRates, first), nv.NVML_ERROR_NOT_SUPPORTED)

    def test_h200(self):
        for handle, element in self.each_gpu("h200-mig.xml"):
            self.check_whole(handle, element)
            self.check_partitions(handle, element)
        names = [nv.nvmlDeviceGetName(nv.nvmlDeviceGetMigDeviceHandleByIndex(handle, index))
                 for index in range(3)]
        self.assertEqual(names, [f"NVIDIA H200 MIG {profile}"
                                 for profile in ("1c.3g.71gb", "2c.3g.71gb", "1g.18gb")])

    def test_sick(self):
        handles = [handle for handle, _ in self.each_gpu("sick.xml")]
        lost, hidden = handles
        self.assertEqual(refused(nv.nvmlDeviceGetMemoryInfo, lost), nv.NVML_ERROR_GPU_IS_LOST)
        self.assertEqual(refused(nv.nvmlDeviceGetPowerUsage, lost), nv.NVML_ERROR_NO_PERMISSION)
        memory = nv.nvmlDeviceGetMemoryInfo(hidden)
        self.assertEqual((memory.total >> 20, memory.used >> 20, memory.free >> 20),
                         (16160, 1100, 15060))
        self.assertEqual(refused(nv.nvmlDeviceGetMemoryInfo, hidden, nv.nvmlMemory_v2),
                         nv.NVML_ERROR_FUNCTION_NOT_FOUND)
        self.assertEqual(nv.nvmlDeviceGetEccMode(hidden), [1, 0])
        self.assertEqual(nv.nvmlDeviceGetTotalEccErrors(hidden, 0, 0), 7)
        self.assertEqual(nv.nvmlDeviceGetRetiredPagesPendingStatus(hidden), 1)


if __name__ == "__main__":
    assert os.environ.get("LD_LIBRARY_PATH"), "run scripts/test-fidelity.sh"
    unittest.main()
