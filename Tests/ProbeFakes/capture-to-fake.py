#!/usr/bin/env python3
"""Turns `nvidia-smi -q -x` output into the file of the fake NVML (see README.md beside this).

    capture-to-fake.py [--profiles FOLDER] [--output FILE] CAPTURE.xml

Needs Python 3.9 and nothing else. Old and new names of elements are understood. What the capture
does not know is left out, so that the call answers NOT_SUPPORTED; words such as "GPU is lost"
become return codes; what somebody blacked out gets the fake's own identifiers. Facts that
nvidia-smi does not print (compute capability, MIG profiles and placements) come from the hardware
profile of the board.
"""

import argparse
import pathlib
import re
import sys
import xml.etree.ElementTree as tree

sys.dont_write_bytecode = True  # The folder may be somebody's checkout.

import capture_mig  # noqa: E402
from capture_values import (  # noqa: E402
    choice, dotted, flag, hexadecimal, integer, is_hidden, level, mebibytes, number, plain, refusal,
    words)

LARGEST = 64 << 20

ARCHITECTURES = choice({
    "Kepler": 2, "Maxwell": 3, "Pascal": 4, "Volta": 5, "Turing": 6, "Ampere": 7, "Ada": 8,
    "Ada Lovelace": 8, "Hopper": 9, "Blackwell": 10, "Rubin": 13})
BRANDS = choice({
    "Quadro": 1, "Tesla": 2, "NVS": 3, "GRID": 4, "GeForce": 5, "Titan": 6,
    "NVIDIA Virtual Applications": 7, "NVIDIA Virtual PC": 8, "NVIDIA Virtual Compute Server": 9,
    "NVIDIA RTX Virtual Workstation": 10, "NVIDIA Cloud Gaming": 11, "Quadro RTX": 12,
    "NVIDIA RTX": 13, "NVIDIA": 14, "GeForce RTX": 15, "Titan RTX": 16})
COMPUTE_MODES = choice({
    "Default": 0, "Exclusive Thread": 1, "Prohibited": 2, "Exclusive Process": 3})
VIRTUALIZATION = choice({
    "None": 0, "Pass-Through": 1, "VGPU": 2, "Host VGPU": 3, "Host VSGA": 4, "Host VSGX": 4})
FABRIC_STATES = choice({"Not Supported": 0, "Not Started": 1, "In Progress": 2, "Completed": 3})
RECOVERY = choice({
    "None": 0, "Reset": 1, "GPU Reset": 1, "Reboot": 2, "Node Reboot": 2, "Drain P2P": 3,
    "Drain and Reset": 4})
FABRIC_HEALTH = choice({"Healthy": 1, "Unhealthy": 2, "Limited Capacity": 3})
ADDRESSING = choice({"None": 0, "HMM": 1, "ATS": 2})

# Key of the file, reader, and the elements that may hold it, the first that is there.
KEYS = [
    ("name", words, "product_name"),
    ("serial", words, "serial"),
    ("brand", BRANDS, "product_brand"),
    ("architecture", ARCHITECTURES, "product_architecture"),
    ("board_part_number", words, "board_part_number"),
    ("board_id", hexadecimal, "board_id"),
    ("minor_number", number, "minor_number"),
    ("module_id", number, "gpu_module_id", "platformInfo/module_id", "module_id"),
    ("slot_number", number, "platformInfo/slot_number"),
    ("tray_index", number, "platformInfo/tray_index"),
    ("host_id", number, "platformInfo/host_id"),
    ("chassis_serial", words, "platformInfo/chassis_serial_number"),
    ("vbios_version", words, "vbios_version"),
    ("inforom_image_version", words, "inforom_version/img_version"),
    ("inforom_oem_version", words, "inforom_version/oem_object"),
    ("inforom_ecc_version", words, "inforom_version/ecc_object"),
    ("inforom_power_version", words, "inforom_version/pwr_object"),
    ("gsp_firmware_version", words, "gsp_firmware_version"),
    ("multi_gpu_board", flag, "multigpu_board"),
    ("display_mode", flag, "display_mode"),
    ("display_active", flag, "display_active"),
    ("persistence_mode", flag, "persistence_mode"),
    ("compute_mode", COMPUTE_MODES, "compute_mode"),
    ("virtualization_mode", VIRTUALIZATION, "gpu_virtualization_mode/virtualization_mode"),
    ("addressing_mode", ADDRESSING, "addressing_mode"),
    ("pci_device_id", hexadecimal, "pci/pci_device_id"),
    ("pci_subsystem_id", hexadecimal, "pci/pci_sub_system_id"),
    ("pcie_gen_max", number, "pci/pci_gpu_link_info/pcie_gen/max_link_gen"),
    ("pcie_gen_current", number, "pci/pci_gpu_link_info/pcie_gen/current_link_gen"),
    ("pcie_gen_gpu_max", number, "pci/pci_gpu_link_info/pcie_gen/max_device_link_gen"),
    ("pcie_width_max", number, "pci/pci_gpu_link_info/link_widths/max_link_width"),
    ("pcie_width_current", number, "pci/pci_gpu_link_info/link_widths/current_link_width"),
    ("pcie_replay_count", number, "pci/replay_counter"),
    ("pcie_replay_rollover_count", number, "pci/replay_rollover_counter"),
    ("pcie_tx_kbps", number, "pci/tx_util"),
    ("pcie_rx_kbps", number, "pci/rx_util"),
    ("fan_speed", number, "fan_speed"),
    ("performance_state", level, "performance_state"),
    ("memory_total", number, "fb_memory_usage/total", "memory_usage/total"),
    ("memory_reserved", number, "fb_memory_usage/reserved"),
    ("memory_used", number, "fb_memory_usage/used", "memory_usage/used"),
    ("memory_free", number, "fb_memory_usage/free", "memory_usage/free"),
    ("bar1_total", number, "bar1_memory_usage/total"),
    ("bar1_used", number, "bar1_memory_usage/used"),
    ("bar1_free", number, "bar1_memory_usage/free"),
    ("cc_protected_memory", number, "cc_protected_memory_usage/total"),
    ("gpu_utilization", number, "utilization/gpu_util"),
    ("memory_utilization", number, "utilization/memory_util"),
    ("encoder_utilization", number, "utilization/encoder_util"),
    ("decoder_utilization", number, "utilization/decoder_util"),
    ("jpeg_utilization", number, "utilization/jpeg_util"),
    ("ofa_utilization", number, "utilization/ofa_util"),
    ("encoder_sessions", number, "encoder_stats/session_count"),
    ("encoder_fps", number, "encoder_stats/average_fps"),
    ("encoder_latency_us", number, "encoder_stats/average_latency"),
    ("fbc_sessions", number, "fbc_stats/session_count"),
    ("fbc_fps", number, "fbc_stats/average_fps"),
    ("fbc_latency_us", number, "fbc_stats/average_latency"),
    ("accounting_mode", flag, "accounting_mode"),
    ("accounting_buffer_size", number, "accounting_mode_buffer_size"),
    ("mig_mode", flag, "mig_mode/current_mig"),
    ("mig_mode_pending", flag, "mig_mode/pending_mig"),
    ("ecc_mode", flag, "ecc_mode/current_ecc"),
    ("ecc_mode_pending", flag, "ecc_mode/pending_ecc"),
    ("retired_pages_corrected", number,
     "retired_pages/multiple_single_bit_retirement/retired_count"),
    ("retired_pages_uncorrected", number, "retired_pages/double_bit_retirement/retired_count"),
    ("retired_pages_pending", flag,
     "retired_pages/pending_retirement", "retired_pages/pending_blacklist"),
    ("remapped_rows_corrected", number, "remapped_rows/remapped_row_corr"),
    ("remapped_rows_uncorrected", number, "remapped_rows/remapped_row_unc"),
    ("remapped_rows_corrected_inactive", number, "remapped_rows/remapped_row_corr_inactive"),
    ("remapped_rows_uncorrected_inactive", number, "remapped_rows/remapped_row_unc_inactive"),
    ("remapped_rows_pending", flag, "remapped_rows/remapped_row_pending"),
    ("remapped_rows_failure", flag, "remapped_rows/remapped_row_failure"),
    ("channel_repair_pending", flag, "ecc_errors/channel_repair_pending"),
    ("tpc_repair_pending", flag, "ecc_errors/tpc_repair_pending"),
    ("reset_required", flag, "gpu_reset_status/reset_required"),
    ("drain_and_reset_recommended", flag, "gpu_reset_status/drain_and_reset_recommended"),
    ("recovery_action", RECOVERY, "gpu_recovery_action"),
    ("temperature_c", number, "temperature/gpu_temp"),
    ("temperature_memory_c", number, "temperature/memory_temp"),
    ("temperature_shutdown_c", number, "temperature/gpu_temp_max_threshold"),
    ("temperature_slowdown_c", number, "temperature/gpu_temp_slow_threshold"),
    ("temperature_gpu_max_c", number, "temperature/gpu_temp_max_gpu_threshold"),
    ("temperature_memory_max_c", number, "temperature/gpu_temp_max_mem_threshold"),
    ("temperature_margin_c", number, "temperature/gpu_temp_tlimit"),
    ("temperature_shutdown_margin_c", number, "temperature/gpu_temp_max_tlimit_threshold"),
    ("temperature_slowdown_margin_c", number, "temperature/gpu_temp_slow_tlimit_threshold"),
    ("temperature_gpu_max_margin_c", number, "temperature/gpu_temp_max_gpu_tlimit_threshold"),
    ("temperature_memory_max_margin_c", number, "temperature/gpu_temp_max_mem_tlimit_threshold"),
    ("fabric_state", FABRIC_STATES, "fabric/state"),
    ("fabric_clique", number, "fabric/cliqueId", "fabric/clique"),
    ("fabric_health_summary", FABRIC_HEALTH, "fabric/health/summary"),
    ("fabric_cluster", words, "fabric/clusterUuid", "fabric/cluster"),
]

POWER = [
    ("power_usage_mw", "power_draw", "average_power_draw", "instant_power_draw"),
    ("power_average_mw", "average_power_draw"),
    ("power_instant_mw", "instant_power_draw"),
    ("power_limit_mw", "requested_power_limit", "power_limit", "current_power_limit"),
    ("power_enforced_limit_mw", "current_power_limit", "enforced_power_limit", "power_limit"),
    ("power_default_limit_mw", "default_power_limit"),
    ("power_min_limit_mw", "min_power_limit"),
    ("power_max_limit_mw", "max_power_limit"),
]

CLOCKS = [
    ("clock", "clocks"), ("application_clock", "applications_clocks"),
    ("default_clock", "default_applications_clocks"), ("max_clock", "max_clocks"),
    ("boost_clock", "max_customer_boost_clocks"),
]

REASONS = [
    ("idle", "gpu_idle"), ("applications", "applications_clocks_setting"),
    ("sw_power_cap", "sw_power_cap"), ("hw_slowdown", "hw_slowdown"),
    ("sync_boost", "sync_boost"), ("sw_thermal", "sw_thermal_slowdown"),
    ("hw_thermal", "hw_thermal_slowdown"), ("hw_power_brake", "hw_power_brake_slowdown"),
    ("display", "display_clocks_setting"),
]

OLD_ECC = [
    ("l1", "l1_cache"), ("l2", "l2_cache"), ("dram", "device_memory"),
    ("register_file", "register_file"), ("texture", "texture_memory"),
    ("texture_shm", "texture_shm"), ("cbu", "cbu"),
]


def first(element, read, *paths):
    """The first of these elements that says something; else the first refusal; else absent."""
    refused = ""
    for path in paths:
        found = element.find(path)
        if found is None:
            continue
        value = read(found.text or "")
        if value != "" and not value.startswith("!"):
            return value
        refused = refused or value
    return refused


def ecc_keys(gpu):
    """Errors by place, in the form since Turing and in the one before."""
    keys = []
    for counter in ("volatile", "aggregate"):
        base = f"ecc_errors/{counter}"
        for error, word in (("corrected", "correctable"), ("uncorrected", "uncorrectable")):
            for place in ("sram", "dram"):
                key = f"ecc_{error}_{counter}_{place}"
                value = first(gpu, number, f"{base}/{place}_{word}")
                parts = [first(gpu, number, f"{base}/{place}_{word}_{part}")
                         for part in ("parity", "secded")]
                if value == "" and all(part.isdigit() for part in parts):
                    value = str(sum(int(part) for part in parts))
                keys.append((key, value))
        for error, word in (("corrected", "single_bit"), ("uncorrected", "double_bit")):
            for place, name in OLD_ECC:
                value = first(gpu, number, f"{base}/{word}/{name}")
                if value != "":
                    keys.append((f"ecc_{error}_{counter}_{place}", value))
            keys.append((f"ecc_{error}_{counter}", first(gpu, number, f"{base}/{word}/total")))
        for part in ("parity", "secded"):
            keys.append((f"sram_{counter}_{part}",
                         first(gpu, number, f"{base}/sram_uncorrectable_{part}")))
        keys.append((f"sram_{counter}_corrected", first(gpu, number, f"{base}/sram_correctable")))
    sources = "ecc_errors/aggregate_uncorrectable_sram_sources"
    for key, name in (("l2", "sram_l2"), ("sm", "sram_sm"), ("mcu", "sram_microcontroller"),
                      ("pcie", "sram_pcie"), ("other", "sram_other")):
        keys.append((f"sram_source_{key}", first(gpu, number, f"{sources}/{name}")))
    keys.append(("sram_threshold_exceeded",
                 first(gpu, flag, "ecc_errors/aggregate/sram_threshold_exceeded")))
    return keys


def power_keys(gpu):
    """Power, below the element's old or its new name."""
    keys = []
    for key, *names in POWER:
        paths = [f"{base}/{name}" for name in names
                 for base in ("gpu_power_readings", "power_readings")]
        keys.append((key, first(gpu, number, *paths)))
    keys.append(("power_management", first(gpu, flag, "power_readings/power_management")))
    return keys


def clock_keys(gpu):
    """Clocks, and the reasons that hold them down."""
    keys = []
    for prefix, base in CLOCKS:
        for clock, name in (("graphics", "graphics_clock"), ("sm", "sm_clock"),
                            ("memory", "mem_clock"), ("video", "video_clock")):
            keys.append((f"{prefix}_{clock}_mhz", first(gpu, number, f"{base}/{name}")))
    known, active = [], []
    for reason, suffix in REASONS:
        value = first(
            gpu, flag, f"clocks_event_reasons/clocks_event_reason_{suffix}",
            f"clocks_throttle_reasons/clocks_throttle_reason_{suffix}")
        if value in ("0", "1"):
            known.append(reason)
        if value == "1":
            active.append(reason)
    if known:
        keys.append(("clocks_event_reasons_supported", " ".join(known)))
        keys.append(("clocks_event_reasons", " ".join(active) or "none"))
    return keys


def histogram(gpu):
    base = "remapped_rows/row_remapper_histogram/row_remapper_histogram_"
    banks = [first(gpu, number, base + name) for name in ("max", "high", "partial", "low", "none")]
    return ", ".join(banks) if all(bank.isdigit() for bank in banks) else ""


def fabric_status(gpu):
    value = gpu.findtext("fabric/status") or ""
    if plain(value).lower() == "success":
        return "0"
    code = refusal(value)
    return code[1:] if code and code.startswith("!") else ""


# Bit of the health mask, element, and the words for 1 and 2; absent is 0.
HEALTH = [
    (0, "bandwidth", "degraded", "full"), (2, "route_recovery_in_progress", "true", "false"),
    (4, "route_unhealthy", "true", "false"), (6, "access_timeout_recovery", "true", "false"),
    (8, "incorrect_configuration", "none", "incorrect sysguid"),
]


def fabric_health(gpu):
    """The mask that NVML packs the fabric's troubles into."""
    mask = 0
    for bit, name, one, two in HEALTH:
        word = plain(gpu.findtext(f"fabric/health/{name}") or "").lower()
        mask |= (1 if word == one else 2 if word == two else 0) << bit
    return str(mask) if mask else ""


def clock_sections(index, gpu):
    """The lists of clocks that may be set."""
    sections, memory = [], []
    for element in gpu.iterfind("supported_clocks/supported_mem_clock"):
        mhz = integer(element.findtext("value"))
        if mhz is None or mhz in memory:
            continue
        memory.append(mhz)
        values = [integer(each.text) for each in element.iterfind("supported_graphics_clock")]
        listed = ", ".join(str(value) for value in values if value is not None)
        if listed:
            sections.append((f"gpu {index} clocks {mhz}", [("graphics", listed)]))
    return ", ".join(str(mhz) for mhz in memory), sections


def process_sections(index, gpu):
    """Running processes, and those that accounting remembers."""
    sections = []
    for count, element in enumerate(gpu.iterfind("processes/process_info")):
        kind = plain(element.findtext("type") or "C")
        sections.append((f"gpu {index} process {count}", [
            ("pid", number(element.findtext("pid"))),
            ("type", kind if re.fullmatch(r"[CGM](\+[CGM])*", kind) else "C"),
            ("memory", number(element.findtext("used_memory"))),
            ("gi", number(element.findtext("gpu_instance_id"))),
            ("ci", number(element.findtext("compute_instance_id"))),
            ("name", words(element.findtext("process_name") or ""))]))
    for element in gpu.iterfind("accounted_processes/accounted_process_info"):
        pid = integer(element.findtext("pid"))
        if pid is None:
            continue
        sections.append((f"gpu {index} accounted {pid}", [
            ("gpu_utilization", number(element.findtext("gpu_util"))),
            ("memory_utilization", number(element.findtext("memory_util"))),
            ("max_memory", number(element.findtext("max_memory_usage"))),
            ("time_ms", number(element.findtext("time"))),
            ("running", flag(element.findtext("is_running")))]))
    return sections


def identity(index, gpu, seen, notes):
    """UUID and place on the bus; what is hidden or there twice is left to the fake."""
    keys = []
    bus = gpu.get("id") or gpu.findtext("pci/pci_bus_id") or ""
    bus = bus if not is_hidden(bus) else gpu.findtext("pci/pci_bus_id") or ""
    form = r"(?:[0-9A-Fa-f]{4,8}:)?[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9]"
    if re.fullmatch(form, bus.strip()):
        keys.append(("bus_id", bus.strip()))
    uuid = gpu.findtext("uuid") or ""
    if is_hidden(uuid) or plain(uuid) in seen:
        notes.append(f"GPU {index}: its UUID is hidden or not its own; the fake makes one")
    elif refusal(uuid) is None:
        keys.append(("uuid", words(uuid)))
        seen.add(plain(uuid))
    else:
        keys.append(("uuid", refusal(uuid) or "N/A"))
    return keys


def gpu_sections(index, gpu, boards, driver, seen, notes):
    """The sections of one GPU element."""
    keys = identity(index, gpu, seen, notes)
    keys += [(key, first(gpu, read, *paths)) for key, read, *paths in KEYS]
    keys += power_keys(gpu) + ecc_keys(gpu) + clock_keys(gpu)
    keys.append(("row_remapper_histogram", histogram(gpu)))
    keys.append(("fabric_status", fabric_status(gpu)))
    keys.append(("fabric_health_mask", fabric_health(gpu)))
    if not any(key == "name" and value for key, value in keys):
        keys.append(("name", "N/A"))
    if first(gpu, number, "fb_memory_usage/reserved") == "":
        # The driver has only the first memory call, which counts its own part as used.
        keys.append(("GetMemoryInfo_v2", "FUNCTION_NOT_FOUND"))
    board = boards.get(plain(gpu.findtext("product_name") or ""))
    capability = ((board or {}).get("match") or {}).get("compute_capability")
    if capability:
        keys.append(("compute_capability", capability))
    if board and not any(key == "architecture" and value for key, value in keys):
        keys.append(("architecture", ARCHITECTURES(str(board.get("architecture") or ""))))
    memory_clocks, sections = clock_sections(index, gpu)
    keys.append(("supported_memory_clocks", memory_clocks))
    mig = first(gpu, flag, "mig_mode/current_mig")
    if mig in ("0", "1"):
        total = mebibytes(gpu.findtext("fb_memory_usage/total"))
        old = re.match(r"[0-3]?[0-9]{2}\.|4[0-6][0-9]\.", driver) is not None
        found = capture_mig.sections(index, gpu, board, total, old)
        sections += found
        devices = [int(name.split()[-1]) for name, _ in found if " mig " in name]
        keys.append(("mig_max_devices", max([6] + devices) + 1))
        if board is None:
            notes.append(f"GPU {index}: no hardware profile, so its MIG profiles are worked out")
    return [(f"gpu {index}", keys)] + sections + process_sections(index, gpu)


def convert(text, boards, name):
    """The file of the fake for the text of a capture. Raises ValueError when it is none."""
    # What stands before the document (wrappers' lines, a DTD) and behind it is left out.
    found = re.search(r"<nvidia_smi_log[\s>].*?(?:</nvidia_smi_log>|$(?![\s\S]))", text, re.DOTALL)
    if found is None:
        raise ValueError("there is no nvidia_smi_log in it: give the output of nvidia-smi -q -x")
    try:
        root = tree.fromstring(found.group(0))
    except tree.ParseError as error:
        raise ValueError(f"not XML: {error}") from None
    driver = first(root, words, "driver_version", "kmd_version")
    gpus = root.findall("gpu")
    notes, seen = [], set()
    attached = integer(root.findtext("attached_gpus"))
    if attached is not None and attached != len(gpus):
        notes.append(f"the header counts {attached} GPUs and describes {len(gpus)}")
    cuda = first(root, dotted, "cuda_version", "cuda_umd_version")
    release = re.match(r"[0-9]+", driver)
    # Without a version the fake would tell its own.
    keys = [("driver_version", driver or "N/A"), ("cuda_version", cuda)]
    keys.append(("nvml_version", f"{cuda.split('.')[0] or '10'}.{driver}" if release else "N/A"))
    if release and int(release.group()) < 470:
        keys.append(("mig_uuid_form", "path"))
    sections = [("driver", keys)]
    for index, gpu in enumerate(gpus):
        sections += gpu_sections(index, gpu, boards, driver, seen, notes)
    return render(sections, [f"made from {name}", *notes])


def render(sections, notes):
    """The file. Keys without a value are left out: their calls answer NOT_SUPPORTED."""
    lines = ["; " + " ".join(note.split()) for note in notes]
    for name, keys in sections:
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {value}" for key, value in keys if value not in ("", None)]
    return "\n".join(lines) + "\n"


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="nvidia-smi -q -x to the file of the fake NVML")
    parser.add_argument("capture", help="the XML; - for standard input")
    parser.add_argument("--output", "-o", help="where to write; else standard output")
    parser.add_argument("--profiles", default=here.parents[1] / "hardware-profiles",
                        help="folder of hardware profiles (default: the repository's)")
    options = parser.parse_args()
    try:
        if options.capture == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with open(options.capture, "rb") as file:
                data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ValueError(f"larger than {LARGEST >> 20} MiB")
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        text = data.decode(encoding, errors="replace")
        boards = capture_mig.boards(options.profiles)
        result = convert(text, boards, pathlib.PurePath(options.capture).name)
    except (OSError, ValueError) as error:
        print(f"capture-to-fake.py: {options.capture}: {error}", file=sys.stderr)
        return 1
    if options.output:
        pathlib.Path(options.output).write_text(result, encoding="utf-8")
    else:
        sys.stdout.write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
