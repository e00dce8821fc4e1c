"""MIG of a capture: nvidia-smi lists MIG devices by their instances, and the fake needs the
profiles and placements behind them, which it does not print. They come from the hardware profile of
the board, or where none is known are worked out from memory and processors."""

import json
import math
import pathlib
import re
import uuid as identifiers

from capture_values import integer, mebibytes, number

# NVML's number of a GPU instance profile by slices and attribute.
NUMBERS = {
    "": {1: 0, 2: 1, 3: 2, 4: 3, 7: 4, 8: 5, 6: 6},
    "+me": {1: 7, 2: 8}, "wide": {1: 9}, "+gfx": {1: 10, 2: 11, 4: 12, 3: 17},
    "-me": {1: 13, 2: 14}, "+me.all": {1: 15, 2: 16},
}
# Compute instance profile by slices.
COMPUTE = {1: 0, 2: 1, 3: 2, 4: 3, 7: 4, 8: 5, 6: 6}
ENGINES = ("copy_engines", "decoders", "encoders", "jpegs", "ofas")


class Profile:
    """One way to cut a board: slices of processors, of memory, and where they may start."""

    def __init__(self, name, ident, slices, size, starts, most, processors, memory, engines):
        self.name, self.ident, self.slices, self.size = name, ident, slices, size
        self.starts, self.most, self.processors = starts, most, processors
        self.memory, self.engines = memory[0], engines
        self.memories = memory


def boards(folder):
    """The GPU profiles of a folder, by the names that NVML gives the board."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.json")) if folder else []:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            for name in document.get("match", {}).get("nvml_names", []):
                found.setdefault(name, document)
        except (ValueError, OSError, AttributeError):
            continue
    return found


def profiles_of(board, total):
    """The profiles of a board; those that every board with eight slices has when it is unknown."""
    mig = (board or {}).get("mig") or {}
    if mig.get("profiles"):
        axis = mig.get("memory_slices", 8)
        return [
            Profile(
                each["name"], each.get("nvml_profile_id"), each["compute_slices"], each["size"],
                each["starts"], each["instances_max"], each.get("multiprocessors"),
                each.get("memory_mib") or [total * each["size"] / axis],
                each.get("engines") or [0] * 5)
            for each in mig["profiles"]]
    whole = math.ceil(total / 1024)
    table = [
        (1, 1, range(7), 7, 19), (1, 2, (0, 2, 4, 6), 4, 15), (2, 2, (0, 2, 4), 3, 14),
        (3, 4, (0, 4), 2, 9), (4, 4, (0,), 1, 5), (7, 8, (0,), 1, 0)]
    return [
        Profile(
            f"{slices}g.{math.floor(whole * size / 8 + 0.5)}gb", ident, slices, size,
            list(starts), most, None, [total * size / 8], [0] * 5)
        for slices, size, starts, most, ident in table]


def best(profiles, memory, processors, engines):
    """The profile nearest to an instance: memory first, then processors, then engines; the plain
    one of those that differ in none of them."""
    def distance(profile):
        apart = min(abs(seen - memory) for seen in profile.memories) / max(memory, 1)
        if profile.processors is None or not processors:
            off = 0
        else:
            off = abs(profile.processors - processors) / profile.processors
        odd = sum(abs(a - b) for a, b in zip(profile.engines, engines))
        return (round(apart, 1), round(off, 1), odd, attribute(profile)[:1] in ("+", "-"), apart)
    return min(profiles, key=distance)


def usual_start(ident, size):
    """Where the driver puts the instance with that id on a board of eight slices: ids count the
    halves, quarters and eighths, the upper half first. None for any other size."""
    first = {8: 0, 4: 1, 2: 3, 1: 7}.get(size)
    places = {8: [0], 4: [4, 0], 2: [4, 6, 0, 2], 1: [4, 5, 6, 7, 0, 1, 2, 3]}.get(size, [])
    if first is None or not 0 <= ident - first < len(places):
        return None
    return places[ident - first]


def place(instances):
    """A start for every (id, profile): the usual ones when they fit, else any that do not
    overlap; None for those that fit nowhere."""
    usual = {ident: usual_start(ident, profile.size) for ident, profile in instances}
    if all(usual[ident] in profile.starts for ident, profile in instances):
        slices = [usual[i] + n for i, profile in instances for n in range(profile.size)]
        if len(slices) == len(set(slices)):
            return usual

    order = sorted(instances, key=lambda pair: -pair[1].size)

    def search(index, taken):
        if index == len(order):
            return {}
        ident, profile = order[index]
        for start in profile.starts:
            wanted = set(range(start, start + profile.size))
            if wanted & taken:
                continue
            rest = search(index + 1, taken | wanted)
            if rest is not None:
                return {ident: start, **rest}
        return None

    return search(0, frozenset()) or {ident: None for ident, _ in instances}


def attribute(profile):
    """What distinguishes a profile from the plain one of its slices."""
    match = re.search(r"([+-].*)$", profile.name)
    if match:
        return match.group(1)
    return "wide" if profile.slices == 1 and profile.size == 2 else ""


def profile_sections(gpu, profiles):
    """The sections of the profiles of a board."""
    sections, used = [], set()
    for profile in profiles:
        index = NUMBERS.get(attribute(profile), {}).get(profile.slices)
        if index is None or index in used or profile.ident is None:
            continue
        used.add(index)
        keys = [
            ("id", profile.ident), ("name", f"MIG {profile.name}"), ("slices", profile.slices),
            ("instances", profile.most), ("multiprocessors", profile.processors or ""),
            *zip(ENGINES, profile.engines), ("memory_mb", int(profile.memory)),
            ("placements", ",".join(f"{start}:{profile.size}" for start in profile.starts))]
        sections.append((f"gpu {gpu} profile {index}", keys))
    return sections


def device_keys(device):
    """What the capture says of one MIG device."""
    shared = device.find("device_attributes/shared")

    def count(*names):
        for name in names:
            element = shared.find(name) if shared is not None else None
            if element is not None:
                return integer(element.text) or 0
        return 0

    memory = {part: device.findtext(f"fb_memory_usage/{part}") for part in
              ("total", "reserved", "used", "free")}
    bar1 = {part: device.findtext(f"bar1_memory_usage/{part}") for part in
            ("total", "used", "free")}
    engines = [count("copy_engine_count"), count("decoder_count"), count("encoder_count"),
               count("jpg_count", "jpeg_count"), count("ofa_count")]
    keys = [(f"memory_{part}", number(text)) for part, text in memory.items()]
    keys += [(f"bar1_{part}", number(text)) for part, text in bar1.items()]
    keys += list(zip(ENGINES, engines))
    return keys, mebibytes(memory["total"]), count("multiprocessor_count"), engines


def sections(gpu, element, board, total, old_uuids):
    """All MIG sections of a GPU element: profiles, instances, devices."""
    profiles = profiles_of(board, total or 0)
    written = profile_sections(gpu, profiles)
    groups, taken = {}, set()
    for device in element.iter("mig_device"):
        ident = integer(device.findtext("gpu_instance_id"))
        if ident is not None:
            groups.setdefault(ident, []).append((device_index(device, taken), device))
    chosen = []
    for ident, devices in groups.items():
        facts = [device_keys(device) for _, device in devices]
        memory = next((fact[1] for fact in facts if fact[1] is not None), 0)
        chosen.append((ident, best(profiles, memory, sum(fact[2] for fact in facts), facts[0][3])))
    starts = place(chosen)
    for ident, profile in chosen:
        start = starts.get(ident)
        written.append((f"gpu {gpu} gi {ident}", [
            ("profile", profile.ident if profile.ident is not None else ""),
            ("placement", "" if start is None else f"{start}:{profile.size}")]))
        written += instance_sections(
            gpu, ident, profile, groups[ident], element.findtext("uuid"), old_uuids)
    return written


def device_index(device, taken):
    """The index that a MIG device has; the least free one when it has none or another's."""
    index = integer(device.findtext("index"))
    if index is None or index < 0 or index in taken:
        index = next(free for free in range(len(taken) + 1) if free not in taken)
    taken.add(index)
    return index


def instance_sections(gpu, ident, profile, devices, owner, old_uuids):
    """The compute instances and MIG devices of one GPU instance."""
    written, next_start = [], 0
    for index, device in devices:
        keys, _, processors, _ = device_keys(device)
        compute = integer(device.findtext("compute_instance_id")) or 0
        part = profile.slices
        if profile.processors and processors:
            share = round(processors / profile.processors * profile.slices)
            part = min(max(1, share), profile.slices)
        whole = part == profile.slices
        name = profile.name if whole else f"{part}c.{profile.name}"
        written.append((f"gpu {gpu} gi {ident} ci {compute}", [
            ("profile", COMPUTE.get(part, 0)), ("placement", f"{next_start}:{part}")]))
        next_start += part
        uuid = (device.findtext("uuid") or "").strip()
        if not uuid.startswith("MIG-"):
            # nvidia-smi does not print it here: one that follows from the GPU and the instances.
            words = f"{owner}/{gpu}/{ident}/{compute}"
            uuid = f"MIG-{identifiers.uuid5(identifiers.NAMESPACE_OID, words)}"
        head = [] if old_uuids else [("uuid", uuid)]
        written.append((f"gpu {gpu} mig {index}", head + [
            ("gi", ident), ("ci", compute), ("profile", name), ("multiprocessors", processors),
            ("gi_slices", profile.slices), ("ci_slices", part),
            ("memory_mb", int(profile.memory)), *keys]))
    return written
