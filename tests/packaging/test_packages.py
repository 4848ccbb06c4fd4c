"""The Debian packages: what is in them, what they ask for, and whether a program and its unit work from there.

    MSGKIT_BUILD_DIR   a build tree with the programs
    MSGKIT_CPACK       the cpack that belongs to it
"""
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

BUILD = os.environ["MSGKIT_BUILD_DIR"]
CPACK = os.environ["MSGKIT_CPACK"]
SOURCE = Path(__file__).resolve().parents[2]
DAEMONS = ["goip_xmpp", "mmsgw", "mqtt_redis", "msggw", "smppd"]
PROGRAMS = {"goip-xmpp": "goip_xmpp", "mqtt-redis": "mqtt_redis"}  # of packages that are called otherwise
TEMPLATES = ["goip_xmpp"]  # daemons of which a machine may run several
EXPOSURE_MAX = 20  # tenths, of systemd-analyze's 0 (safe) to 10 (exposed)


def run(*command, status=0, **options):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != status:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


class PackagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="msgkit_packages_")
        work = Path(cls.directory.name)
        run(CPACK, "-G", "DEB", "--config", f"{BUILD}/CPackConfig.cmake", "-B", work)
        cls.packages = {re.match("[a-z-]+?(?=_)", p.name)[0]: p for p in work.glob("*.deb")}
        cls.packages = {PROGRAMS.get(name, name): package for name, package in cls.packages.items()}
        cls.roots, cls.scripts = {}, {}
        for name, package in cls.packages.items():
            cls.roots[name], cls.scripts[name] = work / f"root-{name}", work / f"control-{name}"
            run("dpkg-deb", "-x", package, cls.roots[name])
            run("dpkg-deb", "-e", package, cls.scripts[name])

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def field(self, name, field):
        return run("dpkg-deb", "-f", self.packages[name], field).strip()

    def test_there_is_one_for_each_program_and_one_for_the_libraries(self):
        self.assertLessEqual({"libmsgkit-dev", "smppc", *DAEMONS}, set(self.packages))
        for name in self.packages:
            self.assertTrue(self.field(name, "Description"), name)
            self.assertTrue((self.roots[name] / f"usr/share/doc/{name.replace('_', '-')}/copyright").exists(), name)

    def test_programs_ask_for_the_libraries_they_use(self):
        for name in ["smppc", *DAEMONS]:
            depends = self.field(name, "Depends")
            for library in ["libc6", "libssl3", "libstdc++6"]:
                self.assertIn(library, depends, name)
        self.assertIn("libsqlite3-0", self.field("msggw", "Depends"))

    def test_the_libraries_bring_headers_archives_and_how_to_find_them(self):
        root = self.roots["libmsgkit-dev"] / "usr"
        self.assertTrue((root / "include/msgkit/smpp/codec.hpp").exists())
        for pattern in ["lib/**/libmsgkit_smpp_net.a", "lib/**/msgkitConfig.cmake", "lib/**/msgkit-smpp-net.pc"]:
            self.assertEqual(len(list(root.glob(pattern))), 1, pattern)
        self.assertFalse((root / "bin").exists())

    def test_smppc_brings_its_manual_and_completion(self):
        root = self.roots["smppc"] / "usr/share"
        self.assertTrue(list(root.glob("man/man1/smppc.1*")))
        self.assertTrue((root / "bash-completion/completions/smppc").exists())

    def test_programs_run(self):
        for name in ["smppc", *DAEMONS]:
            self.assertIn(name, run(self.roots[name] / "usr/bin" / name, "--version"))

    def test_the_configuration_is_kept_by_upgrades_and_is_valid(self):
        for name in DAEMONS:
            self.assertEqual((self.scripts[name] / "conffiles").read_text().split(), [f"/etc/{name}/{name}.toml"])
            directory = self.roots[name] / "etc" / name
            config = directory / f"{name}.toml"
            text = config.read_text().replace(f"/etc/{name}/", f"{directory}/")
            for secret in re.findall(r'"([^"]+\.password)"', text):
                Path(secret).write_text("secret\n")
            config.write_text(text)
            self.assertIn("configuration is valid", run(self.roots[name] / "usr/bin" / name, "--check", "--config", config))

    def test_maintainer_scripts_are_shell(self):
        for name in DAEMONS:
            for script in ["postinst", "prerm", "postrm"]:
                path = self.scripts[name] / script
                self.assertTrue(os.access(path, os.X_OK), path)
                run("sh", "-n", path)
                self.assertNotRegex(path.read_text(), "@[A-Z]+@")
            self.assertIn(f"u {name} ", (self.roots[name] / f"usr/lib/sysusers.d/{name}.conf").read_text())

    def test_units_are_sound_and_closed(self):
        for name in DAEMONS:
            unit = self.roots[name] / f"usr/lib/systemd/system/{name}.service"
            unit.write_text(unit.read_text().replace("/usr/bin/", f"{self.roots[name]}/usr/bin/"))
            self.assertNotRegex(run("systemd-analyze", "verify", "--recursive-errors=no", unit), rf"{name}\.service:")
            run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit)

    def test_an_instance_differs_from_the_base_in_its_configuration_alone(self):
        for name in TEMPLATES:
            directory = self.roots[name] / "usr/lib/systemd/system"
            base, template = ((directory / f"{name}{end}.service").read_text().splitlines() for end in ("", "@"))
            different = [new for old, new in zip(base, template, strict=True) if old != new]
            self.assertEqual([line.split("=")[0] for line in different], ["Description", "ExecStart"])
            self.assertIn(f"/etc/{name}/%i.toml", different[1])

    def test_configurations_of_the_containers_are_valid(self):
        for name, file in [("msggw", "gateway.toml"), ("smppd", "carrier.toml"), ("mqtt_redis", "bridge.toml")]:
            checked = run(self.roots[name] / "usr/bin" / name, "--check", "--config", SOURCE / "deploy/docker" / file,
                          env={"MSGGW_STORE_PASSWORD": "x"})
            self.assertIn("configuration is valid", checked)


if __name__ == "__main__":
    unittest.main(verbosity=2)
