"""Captures turned into the fake's file. Needs nothing but Python."""

import os
import subprocess
import sys
import tempfile
import unittest

os.environ.setdefault("FAKE_NVML_FOLDER", tempfile.gettempdir())
import machine  # noqa: E402


class Converter(unittest.TestCase):
    maxDiff = None

    def test_partitions_of_an_a100(self):
        found = machine.sections(machine.convert("a100-mig.xml"))
        gpu = found["gpu 0"]
        self.assertEqual((gpu["mig_mode"], gpu["mig_mode_pending"]), ("1", "0"))
        self.assertEqual(found["gpu 0 gi 2"], {"profile": "9", "placement": "0:4"})
        self.assertEqual(found["gpu 0 gi 9"], {"profile": "19", "placement": "6:1"})
        self.assertEqual(found["gpu 0 mig 2"]["profile"], "1g.5gb")
        self.assertNotIn("gpu 0 mig 1", found)
        self.assertEqual(found["gpu 0 profile 0"]["name"], "MIG 1g.5gb")
        self.assertEqual(found["gpu 0 process 0"]["name"], "/bin/serve; #1 'quoted'")
        self.assertEqual(found["gpu 0 process 1"]["type"], "M+C")
        self.assertNotIn("memory", found["gpu 0 process 1"])
        self.assertEqual(found["gpu 0 accounted 99"]["time_ms"], "1500")
        self.assertNotIn("gpu 1 mig 0", found)

    def test_old_names_of_elements(self):
        gpu = machine.sections(machine.convert("a100-mig.xml"))["gpu 0"]
        self.assertEqual(gpu["power_usage_mw"], "46970")
        self.assertEqual(gpu["power_enforced_limit_mw"], "350500")
        self.assertEqual(gpu["clocks_event_reasons"], "idle hw_slowdown")
        self.assertEqual(gpu["clocks_event_reasons_supported"], "idle sw_power_cap hw_slowdown")
        self.assertEqual(gpu["pcie_rx_kbps"], "!UNKNOWN")
        self.assertNotIn("pcie_tx_kbps", gpu)
        self.assertEqual(gpu["row_remapper_histogram"], "638, 1, 0, 0, 1")
        self.assertEqual(gpu["compute_mode"], "3")

    def test_new_names_of_elements(self):
        found = machine.sections(machine.convert("h200-mig.xml"))
        gpu = found["gpu 0"]
        self.assertEqual(gpu["power_usage_mw"], "118200")
        self.assertEqual(gpu["power_instant_mw"], "121750")
        self.assertEqual(gpu["power_limit_mw"], "650000")
        self.assertEqual(gpu["display_mode"], "!DEPRECATED")
        self.assertEqual(gpu["ecc_uncorrected_volatile_sram"], "3")
        self.assertEqual(gpu["temperature_slowdown_margin_c"], "-2")
        self.assertEqual((gpu["fabric_state"], gpu["fabric_clique"]), ("3", "7"))
        # Full bandwidth 2, no recovery 2 << 2, unhealthy route 1 << 4, right configuration 1 << 8.
        self.assertEqual((gpu["fabric_health_summary"], gpu["fabric_health_mask"]), ("2", "282"))
        self.assertEqual((gpu["module_id"], gpu["recovery_action"]), ("3", "0"))
        self.assertEqual(found["driver"]["cuda_version"], "13.1")

    def test_two_compute_instances_share_memory(self):
        found = machine.sections(machine.convert("h200-mig.xml"))
        names = [found[f"gpu 0 mig {index}"]["profile"] for index in range(3)]
        self.assertEqual(names, ["1c.3g.71gb", "2c.3g.71gb", "1g.18gb"])
        self.assertEqual([key for key in found if " gi " in key and " ci " not in key],
                         ["gpu 0 gi 1", "gpu 0 gi 13"])
        uuids = {found[f"gpu 0 mig {index}"]["uuid"] for index in range(3)}
        self.assertEqual(len(uuids), 3)
        self.assertTrue(all(uuid.startswith("MIG-") and len(uuid) == 40 for uuid in uuids))
        self.assertEqual(found["gpu 0 gi 1 ci 1"]["placement"], "1:2")
        self.assertEqual(found["gpu 0 gi 13"]["placement"], "2:1")

    def test_a_lost_gpu_and_a_hidden_one(self):
        text = machine.convert("sick.xml")
        found = machine.sections(text)
        self.assertIn("counts 3 GPUs and describes 2", text)
        lost, hidden = found["gpu 0"], found["gpu 1"]
        self.assertEqual(lost["memory_total"], "!GPU_IS_LOST")
        self.assertEqual(lost["temperature_c"], "!GPU_IS_LOST")
        self.assertEqual(lost["power_usage_mw"], "!NO_PERMISSION")
        for key in ("uuid", "serial", "bus_id", "vbios_version", "pci_device_id"):
            self.assertNotIn(key, hidden)
        self.assertEqual(hidden["GetMemoryInfo_v2"], "FUNCTION_NOT_FOUND")
        self.assertEqual(hidden["ecc_corrected_volatile"], "7")
        self.assertEqual(hidden["ecc_corrected_volatile_dram"], "4")
        self.assertEqual(found["driver"]["mig_uuid_form"], "path")
        self.assertEqual(hidden["compute_capability"], "7.0")

    def test_odd_things(self):
        """No versions, two GPUs with one UUID, MIG devices that all have index 0, no profile."""
        text = machine.convert("odd.xml")
        found = machine.sections(text)
        self.assertEqual(found["driver"],
                         {"driver_version": "!DEPRECATED", "nvml_version": "N/A"})
        names = [found[f"gpu 0 mig {index}"]["profile"] for index in range(3)]
        self.assertEqual(names, ["1g.12gb", "1g.12gb", "3g.48gb"])
        starts = [found[f"gpu 0 gi {ident}"]["placement"] for ident in range(3)]
        self.assertEqual(starts, ["4:1", "5:1", "0:4"])
        self.assertIn("no hardware profile", text)
        self.assertNotIn("uuid", found["gpu 1"])
        self.assertIn("GPU 1: its UUID is hidden or not its own", text)
        self.assertEqual(found["gpu 1 process 0"]["type"], "M+C+G")

    def test_what_is_no_capture_is_refused(self):
        for text in ("", "nvidia-smi: command not found", "<nvidia_smi_log><gpu>", "<html/>"):
            with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
                file.write(text)
                file.flush()
                run = subprocess.run(
                    [sys.executable, machine.HERE.parent / "capture-to-fake.py", file.name],
                    capture_output=True, text=True)
            self.assertEqual(run.returncode, 1, text)
            self.assertIn(file.name, run.stderr)
            self.assertNotIn("Traceback", run.stderr)


if __name__ == "__main__":
    unittest.main()
