package lib.apk;

import static lib.apk.Repo.pkg;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import demo.ApkPackage;
import demo.TarEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lib.tool.Console;
import lib.tool.Shell;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Installs made-up packages once with the real apk and once with this project's code and compares the trees, databases included. */
class InstallerTest {
    @TempDir
    Path scratch;
    private Shell shell;
    private Oracle oracle;
    private Repo repo;
    private Path theirs;
    private Path ours;

    @BeforeEach
    void unpack() throws IOException {
        assumeTrue(Oracle.isRoot(), "only root can compare owners");
        shell = new Shell(Console.plain(System.err));
        oracle = Oracle.unpackedInto(scratch.resolve("apk"), shell);
        repo = new Repo(scratch.resolve("repo"));
        theirs = oracle.miniroot(scratch.resolve("theirs"));
        ours = oracle.miniroot(scratch.resolve("ours"));
    }

    private void bothInstall(String... atoms) {
        String[] argv = new String[atoms.length + 1];
        argv[0] = "add";
        System.arraycopy(atoms, 0, argv, 1, atoms.length);
        Shell.Result result = oracle.install(theirs, List.of(repo.folder().toString()), repo.keys(), argv);
        assertThat(result.exitCode()).as(String.join("\n", result.tail())).isZero();
        repo.install(ours, shell, atoms);
        assertSame();
    }

    private void assertSame() {
        for (String file : List.of("lib/apk/db/installed", "lib/apk/db/triggers", "etc/apk/world")) {
            assertThat(ours.resolve(file)).as(file).hasSameTextualContentAs(theirs.resolve(file));
        }
        assertThat(ours.resolve("lib/apk/db/scripts.tar")).hasSameBinaryContentAs(theirs.resolve("lib/apk/db/scripts.tar"));
        assertThat(Snapshot.differences(theirs, ours)).isEmpty();
    }

    /** A package that is only not empty because of a file that is not installed. */
    private static ApkPackage dummy(String name) {
        return pkg(name, "1-r0").with(TarEntry.file(".dummy", 0644, "x"));
    }

    private static ApkPackage file(String name, String version, String path, String text) {
        return pkg(name, version).with(TarEntry.file(path, 0644, text));
    }

    @Test
    void the_replaces_line_of_a_package_without_files() {
        repo.with(dummy("aaa").with("replaces", "one"), file("bbb", "1-r0", "usr/b", "b").with("replaces", "two").tidy(),
                dummy("ccc").with("replaces", "three").with("replaces_priority", "7"), file("ddd", "1-r0", "usr/d", "d").tidy(),
                dummy("eee").with("replaces", "four"), dummy("fff"), file("ggg", "1-r0", "usr/g", "g").tidy(), dummy("hhh").with("replaces", "five"), dummy("zzz").with("replaces", "last"),
                dummy("iii").with("replaces", "six"), pkg("jjj", "1-r0").with("replaces", "seven"), file("kkk", "1-r0", "usr/k", "k").tidy());
        bothInstall("aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg", "hhh", "iii", "jjj", "kkk", "zzz");
        bothInstall("!aaa", "!fff");
    }

    @Test
    void a_trigger_gets_the_folders_that_match() {
        String log = "#!/bin/sh\necho \"$0 $@\" >> /trigger.log\n";
        repo.with(file("aaa", "1-r0", "usr/share/x/one/f", "b").with(TarEntry.folder("usr/share/x/empty", 0755)).tidy(),
                file("trig", "1-r0", "usr/share/t/f", "t").with("triggers", "/usr/share/x/* /usr/share/* /bin").withScript("trigger", log).tidy(),
                file("zzz", "1-r0", "usr/share/x/two/f", "b").tidy(),
                file("zzz", "2-r0", "usr/share/x/three/f", "b").tidy(),
                file("later", "1-r0", "usr/share/x/one/g", "b").tidy(),
                pkg("folders", "1-r0").with(TarEntry.folder("usr/share/x/four", 0755)).tidy());
        bothInstall("aaa", "trig", "zzz=1-r0");
        bothInstall("later");
        bothInstall("folders");
        bothInstall("zzz=2-r0");
        bothInstall("!zzz");
        bothInstall("!trig", "zzz=1-r0");
    }

    @Test
    void scripts_get_versions_and_only_a_path() {
        String log = "#!/bin/sh\n{ echo \"$0 $@\"; env | sort; umask; pwd; id -u; } | grep -v SHLVL >> /script.log\n";
        ApkPackage one = file("one", "1-r0", "usr/one", "1").tidy();
        ApkPackage two = file("one", "2-r0", "usr/two", "2").tidy();
        for (String script : PackageFile.SCRIPTS.subList(0, 6)) {
            one = one.withScript(script, log);
            two = two.withScript(script, log);
        }
        repo.with(one, two);
        bothInstall("one=1-r0");
        bothInstall("one");
        bothInstall("one=2-r0");
        bothInstall("one=1-r0");
        bothInstall("!one");
    }

    @Test
    void scripts_see_the_tree_alone_and_no_network_and_leave_nothing_in_dev() throws IOException {
        Path outside = Files.writeString(scratch.resolve("outside"), "x");
        repo.with(file("probe", "1-r0", "usr/probe", "x").tidy().withScript("post-install", "#!/bin/sh\necho lost > /dev/null\nls /dev > /devices\n"
                + "grep -c : /proc/net/dev > /interfaces\n[ -e " + outside + " ] || [ -e /proc/1/root" + outside + " ] && echo seen > /seen\nexit 0\n"));

        repo.install(ours, shell, "probe");

        assertThat(Files.readAllLines(ours.resolve("devices"))).containsExactly("full", "null", "random", "urandom", "zero");
        assertThat(ours.resolve("interfaces")).hasContent("1");
        assertThat(ours.resolve("seen")).doesNotExist();
        assertThat(ours.resolve("dev")).isEmptyDirectory();
    }

    @Test
    void a_link_where_a_script_goes_does_not_lead_out_of_the_tree() throws IOException {
        Path outside = scratch.resolve("outside");
        repo.with(pkg("alink", "1-r0").with(TarEntry.folder("lib", 0755)).with(TarEntry.folder("lib/apk", 0755)).with(TarEntry.folder("lib/apk/exec", 0755))
                .with(TarEntry.symlink("lib/apk/exec/probe-1-r0.post-install", outside.toString())),
                file("probe", "1-r0", "usr/probe", "x").with("depend", "alink").tidy().withScript("post-install", "#!/bin/sh\necho ran > /ran\n"));

        repo.install(ours, shell, "probe");

        assertThat(outside).doesNotExist();
        assertThat(ours.resolve("ran")).hasContent("ran");
    }

    @Test
    void folder_modes_are_merged() {
        TarEntry.Owner owner = new TarEntry.Owner(100, "", 101, "");
        repo.with(file("aaa", "1-r0", "srv/x/a", "a").with(TarEntry.folder("srv/x", 0775)).with(TarEntry.folder("srv/y", 0700).ownedBy(owner))
                        .with(TarEntry.folder("srv/z", 01777)).tidy(),
                file("bbb", "1-r0", "srv/x/b", "b").with(TarEntry.folder("srv/x", 0757)).with(TarEntry.folder("srv/y", 0755))
                        .with(TarEntry.folder("srv/z", 0755).ownedBy(owner)).tidy(),
                pkg("ccc", "1-r0").with(TarEntry.folder("tmp", 0755)).with(TarEntry.folder("srv/x", 0700)).tidy());
        bothInstall("aaa");
        bothInstall("bbb");
        bothInstall("ccc");
        bothInstall("!aaa");
        bothInstall("!ccc");
    }

    @Test
    void changed_configuration_is_kept() throws IOException {
        repo.with(file("conf", "1-r0", "etc/a.conf", "1").with(TarEntry.file("etc/b.conf", 0600, "1")).with(TarEntry.file("etc/init.d/c", 0755, "1"))
                .with(TarEntry.file("usr/d", 0755, "1")).with(TarEntry.symlink("etc/link", "a.conf")).with(TarEntry.file("etc/apk/e", 0644, "1"))
                .with(TarEntry.file("etc/init.d/f", 0644, "1")).with(TarEntry.file("etc/apk/g", 0644, "1")).with(TarEntry.file("etc/init.d/h", 0644, "1"))
                .with(TarEntry.symlink("etc/apk/i", "1")).with(TarEntry.file("etc/j", 0600, "1")).tidy(),
                file("conf", "2-r0", "etc/a.conf", "2").with(TarEntry.file("etc/b.conf", 0600, "2")).with(TarEntry.file("etc/init.d/c", 0755, "2"))
                        .with(TarEntry.file("usr/d", 0755, "2")).with(TarEntry.symlink("etc/link", "b.conf")).with(TarEntry.file("etc/apk/e", 0644, "2")).tidy());
        for (Path root : List.of(theirs, ours)) {
            Files.writeString(root.resolve("etc/b.conf"), "mine");
            Files.writeString(root.resolve("usr/d"), "mine");
            Files.writeString(root.resolve("etc/init.d/f"), "mine");
            Files.writeString(root.resolve("etc/apk/g"), "mine");
            Files.createSymbolicLink(root.resolve("etc/init.d/h"), Path.of("/mine"));
            Files.createSymbolicLink(root.resolve("etc/apk/i"), Path.of("/mine"));
            Files.writeString(root.resolve("etc/j"), "1");
        }
        bothInstall("conf=1-r0");
        for (Path root : List.of(theirs, ours)) {
            Files.writeString(root.resolve("etc/a.conf"), "changed");
            Files.writeString(root.resolve("etc/init.d/c"), "changed");
            Files.delete(root.resolve("etc/link"));
            Files.createSymbolicLink(root.resolve("etc/link"), Path.of("/other"));
        }
        bothInstall("conf=2-r0");
        bothInstall("conf=1-r0");
        bothInstall("!conf");
    }

    @Test
    void files_move_between_packages_that_may_take_them() {
        repo.with(file("aaa", "1-r0", "usr/f", "a").with("origin", "x").tidy(), file("bbb", "1-r0", "usr/f", "b").with("origin", "x").tidy(),
                file("ccc", "1-r0", "usr/g", "c").with("replaces", "ddd").tidy(), file("ddd", "1-r0", "usr/g", "d").with("replaces", "other").tidy(),
                file("eee", "1-r0", "usr/h", "e").with("replaces", "fff").with("replaces_priority", "5").tidy(),
                file("fff", "1-r0", "usr/h", "f").with("replaces", "eee<3").with("replaces_priority", "1").tidy(),
                file("ggg", "1-r0", "usr/i", "g").tidy(), file("hhh", "1-r0", "usr/i", "h").with("replaces", "ggg=1-r0").tidy());
        bothInstall("aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg", "hhh");
        bothInstall("!bbb", "!hhh", "!ccc");
    }

    @Test
    void files_at_the_root_hard_links_setuid_and_owners_by_name() {
        repo.with(pkg("acct", "1-r0").withScript("pre-install", "#!/bin/sh\naddgroup -S grp && adduser -S -D -H -h /dev/null -G grp usr\n")
                .with(TarEntry.file("rootfile", 0644, "x")).with(TarEntry.file("usr/bin/su2", 04755, "y"))
                .with(TarEntry.hardLink("usr/bin/su3", "usr/bin/su2"))
                .with(TarEntry.file("srv/owned", 02640, "z").ownedBy(new TarEntry.Owner(7, "usr", 8, "grp")))
                .with(TarEntry.folder("srv/dir", 02770).ownedBy(new TarEntry.Owner(7, "usr", 8, "grp")))
                .with(TarEntry.file("srv/unknown", 0640, "z").ownedBy(new TarEntry.Owner(7, "nosuch", 8, "nosuch")))
                .with(TarEntry.symlink("srv/abs", "/etc/passwd").ownedBy(new TarEntry.Owner(7, "usr", 8, "grp")))
                .with(TarEntry.file("usr/.keep_something", 0644, "")).with(TarEntry.file(".hidden", 0644, "")).tidy());
        bothInstall("acct");
    }
}
