"""Captures of nvidia-smi, turned into the fake's file, come back through `pool-agent probe`.

    check_probe.py POOL_AGENT LIBRARY

What must come back is read from the capture itself, not from the converter. Needs nothing but
Python.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as tree

HERE = pathlib.Path(__file__).resolve().parent
CAPTURES = HERE / "captures"
PROFILES = HERE.parents[2] / "hardware-profiles"
AGENT, LIBRARY = (pathlib.Path(word).resolve() for word in sys.argv[1:3])


def probe(name):
    """The document of the probe on a fake made from a capture. The agent asks /proc and /sys of an
    empty machine, so that nothing but the capture is in it."""
    with tempfile.TemporaryDirectory() as folder:
        node = pathlib.Path(folder)
        shutil.copyfile(LIBRARY, node / "libnvidia-ml.so.1")
        (node / "root").mkdir()
        subprocess.run(
            [sys.executable, HERE.parent / "capture-to-fake.py", "--output",
             node / "fake_nvml.ini", CAPTURES / name], check=True)
        run = subprocess.run(
            [AGENT, "probe", "--json", "--nvml", node / "libnvidia-ml.so.1", "--root",
             node / "root", "--profiles", PROFILES, "--deadline", "60000"],
            check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def amount(text, unit):
    """The number before a unit; None for anything else."""
    match = re.fullmatch(r"([0-9.]+) " + unit, (text or "").strip())
    return float(match.group(1)) if match else None


def mebibytes(count):
    return None if count is None else count / (1 << 20)


class Probe(unittest.TestCase):
    maxDiff = None

    def same(self, name):
        """Compares one document with its capture; gives both."""
        root = tree.parse(CAPTURES / name).getroot()
        found = probe(name)
        gpus, devices = root.findall("gpu"), found["devices"]
        self.assertEqual(len(devices), len(gpus))
        self.assertEqual(found["nvml"]["driver_version"], root.findtext("driver_version"))
        self.assertEqual(found["nvml"]["cuda_version"], root.findtext("cuda_version"))
        for gpu, device in zip(gpus, devices):
            self.same_gpu(gpu, device)
        return gpus, found

    def same_gpu(self, gpu, device):
        self.assertEqual(device["name"], gpu.findtext("product_name"))
        self.assertEqual(device["state"], "usable", device["reason"])
        uuid, bus = gpu.findtext("uuid"), gpu.get("id")
        if uuid.startswith("GPU-"):
            self.assertEqual(device["uuid"], uuid)
        if "REDACTED" not in bus:
            self.assertEqual(device["pci_bus_id"], bus)
        for part in ("total", "reserved", "used"):
            self.assertEqual(
                mebibytes(device[f"memory_{part}_bytes"]),
                amount(gpu.findtext(f"fb_memory_usage/{part}"), "MiB"), part)
        readings = device["readings"]
        self.assertEqual(
            readings["utilization_percent"], amount(gpu.findtext("utilization/gpu_util"), "%"))
        self.assertEqual(
            readings["temperature_celsius"], amount(gpu.findtext("temperature/gpu_temp"), "C"))
        draw = gpu.findtext("gpu_power_readings/instant_power_draw") or gpu.findtext(
            "power_readings/power_draw")
        self.assertEqual(readings["power_milliwatts"], round(amount(draw, "W") * 1000))
        mode = {"Enabled": True, "Disabled": False}.get(gpu.findtext("mig_mode/current_mig"))
        self.assertIs(device["mig"]["enabled"], mode)
        parts = list(gpu.iter("mig_device"))
        self.assertEqual(len(device["mig"]["instances"]), len(parts))
        for part, instance in zip(parts, device["mig"]["instances"]):
            self.assertEqual(instance["position"], int(part.findtext("index")))
            self.assertEqual(instance["gpu_instance"], int(part.findtext("gpu_instance_id")))
            self.assertEqual(
                mebibytes(instance["memory_bytes"]),
                amount(part.findtext("fb_memory_usage/total"), "MiB"))
            self.assertEqual(
                mebibytes(instance["memory_used_bytes"]),
                amount(part.findtext("fb_memory_usage/used"), "MiB"))

    def test_eight_h100_on_a_fabric(self):
        _, found = self.same("h100-fabric.xml")
        self.assertEqual({each["profile"] for each in found["devices"]}, {"h100-sxm-80gb"})
        self.assertEqual([each["count"] for each in found["advertised"]], [8])
        for device in found["devices"]:
            self.assertEqual(device["readings"]["fabric_state"], "completed")
            self.assertEqual(device["readings"]["fabric_clique"], 0)
            self.assertTrue(all(link["p2p_nvlink"] is not None for link in device["links"]))

    def test_a_t4_knows_no_mig(self):
        _, found = self.same("t4.xml")
        device = found["devices"][0]
        self.assertEqual((device["profile"], device["pci_device_id"]), ("t4-16g", "10de:1eb8"))
        self.assertEqual(device["readings"]["retired_double_bit"], 2)
        self.assertIsNone(device["readings"]["remapped_corrected"])

    def test_an_a100_in_four_parts(self):
        _, found = self.same("a100-four.xml")
        device = found["devices"][0]
        parts = device["mig"]["instances"]
        self.assertEqual([part["profile"] for part in parts], ["1g.20gb"] * 4)
        places = sorted((part["placement"]["start"], part["placement"]["size"]) for part in parts)
        self.assertEqual(places, [(0, 2), (2, 2), (4, 2), (6, 2)])
        self.assertEqual(
            [(each["pid"], each["gpu_instance"], each["memory_used_bytes"])
             for each in device["processes"]], [(4711, 5, 75 << 20)])
        self.assertEqual(
            [(each["profile"], each["count"]) for each in found["advertised"]],
            [("a100-sxm-80gb/1g.20gb", 4)])

    def test_an_rtx_pro_in_plain_parts(self):
        """Its kinds come in variants that differ in nothing that a capture shows."""
        _, found = self.same("rtx-pro-mig.xml")
        parts = found["devices"][0]["mig"]["instances"]
        self.assertEqual([part["profile"] for part in parts], ["2g.48gb", "1g.24gb", "1g.24gb"])
        places = sorted((part["placement"]["start"], part["placement"]["size"]) for part in parts)
        self.assertEqual([size for _, size in places].count(3), 2)
        self.assertTrue(all(part["offered"] for part in parts))

    def test_a_hidden_rtx_3090(self):
        _, found = self.same("rtx-3090-hidden.xml")
        device = found["devices"][0]
        self.assertEqual((device["profile"], device["matched_by"]), ("rtx-3090-24g", "nvml_name"))
        self.assertIsNone(device["pci_device_id"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
