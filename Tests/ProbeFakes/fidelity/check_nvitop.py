"""nvitop, an interactive monitor, reads the fake: GPUs, MIG devices, processes of this machine.

It stops listing MIG devices at the first hole, so this machine has none.
"""

import os
import subprocess
import sys
import unittest

import machine

MACHINE = f"""
[driver]
driver_version = 550.127.08
cuda_version = 12.4
[gpu 0]
name = NVIDIA L40S
memory_total = 46068 MiB
memory_reserved = 600 MiB
memory_used = 2 GiB
gpu_utilization = 64
memory_utilization = 21
power_usage_mw = 123000
power_limit_mw = 350000
power_enforced_limit_mw = 350000
temperature_c = 57
fan_speed = 33
performance_state = 2
persistence_mode = on
compute_mode = 0
ecc_mode = on
ecc_uncorrected_volatile = 0
compute_capability = 8.9
[gpu 0 process 0]
pid = {os.getpid()}
memory = 1 GiB
sm = 60
[gpu 1]
name = NVIDIA A100-SXM4-40GB
memory_total = 40 GiB
memory_used = 0
mig_mode = on
[gpu 1 mig 0]
gi = 9
ci = 0
profile = 1g.5gb
memory_total = 4864 MiB
memory_used = 64 MiB
bar1_total = 32767 MiB
multiprocessors = 14
gi_slices = 1
"""


class Monitor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        machine.play(MACHINE)
        import nvitop
        cls.nvitop = nvitop

    def test_gpus(self):
        first, second = self.nvitop.Device.all()
        self.assertEqual((first.name(), second.name()), ("NVIDIA L40S", "NVIDIA A100-SXM4-40GB"))
        self.assertEqual(first.memory_total() >> 20, 46068)
        self.assertEqual(first.memory_used() >> 20, 2048)
        self.assertEqual((first.gpu_utilization(), first.memory_utilization()), (64, 21))
        self.assertEqual((first.power_usage(), first.power_limit()), (123000, 350000))
        self.assertEqual((first.temperature(), first.fan_speed()), (57, 33))
        self.assertEqual(first.performance_state(), "P2")
        self.assertEqual(first.total_volatile_uncorrected_ecc_errors(), 0)
        self.assertEqual(first.cuda_compute_capability(), (8, 9))
        self.assertEqual(first.mig_mode(), self.nvitop.NA)
        self.assertEqual(second.gpu_utilization(), self.nvitop.NA)
        self.assertEqual(self.nvitop.Device.driver_version(), "550.127.08")
        self.assertEqual(self.nvitop.Device.cuda_driver_version(), "12.4")

    def test_partitions(self):
        second = self.nvitop.Device(1)
        self.assertTrue(second.is_mig_mode_enabled())
        mig, = second.mig_devices()
        self.assertEqual(mig.name(), "NVIDIA A100-SXM4-40GB MIG 1g.5gb")
        self.assertEqual((mig.memory_total() >> 20, mig.memory_used() >> 20), (4864, 64))
        self.assertEqual((mig.gpu_instance_id(), mig.compute_instance_id()), (9, 0))

    def test_processes(self):
        processes = self.nvitop.Device(0).processes()
        self.assertEqual(list(processes), [os.getpid()])
        process = processes[os.getpid()]
        self.assertEqual(process.gpu_memory(), 1 << 30)
        self.assertEqual(process.gpu_sm_utilization(), 60)

    def test_its_screen(self):
        run = subprocess.run(
            [sys.executable, "-m", "nvitop", "--once", "--ascii", "--no-unicode"],
            capture_output=True, text=True, env={**os.environ, "LINES": "60", "COLUMNS": "120"})
        self.assertEqual(run.returncode, 0, run.stderr)
        for words in ("550.127.08", "L40S", "57C", "2048MiB / 44.99GiB", "64%", "123W / 350W"):
            self.assertIn(words, run.stdout, run.stdout)


if __name__ == "__main__":
    unittest.main()
