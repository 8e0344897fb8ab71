package lib;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lib.tool.Failure;
import lib.tool.Guard;
import lib.tool.Peer;
import lib.tool.Shell;
import lib.tool.Terminal;
import lib.tool.Trees;
import lib.tool.UnixSocket;

/**
 * A machine on cloud-hypervisor, driven through its API: start, vm.create, vm.boot. The serial
 * console is a socket, or a pseudo-terminal in versions that have no such socket.
 *
 * @param version major version of the program
 */
public record CloudHypervisor(Machine machine, int version) implements Hypervisor {
    static final String PROGRAM = "cloud-hypervisor";
    /** Versions since which a feature is there: the API that is used here, the serial socket, and booting a bzImage such as vmlinuz.efi. */
    private static final int OLDEST = 16;
    private static final int SERIAL_SOCKET = 36;
    private static final int BZIMAGE = 39;
    private static final Duration READY = Duration.ofSeconds(10);
    private static final int FAILED = 7;
    private static final Pattern VERSION = Pattern.compile("v(\\d+)\\.");

    /** Takes what the machine needs from this computer; a Failure says what is missing or not possible with this hypervisor. */
    public static CloudHypervisor of(Machine machine, Shell shell) {
        UnixSocket.fitting(machine.console());
        if (Shell.which(PROGRAM).isEmpty()) {
            throw Failure.machine("the program " + PROGRAM + " is not installed", "build.java --check-deps shows how to install it; --hypervisor qemu needs none");
        }
        Matcher found = VERSION.matcher(shell.output(PROGRAM, "--version"));
        if (!found.find()) {
            throw Failure.machine(PROGRAM + " --version names no version", "install a release of cloud-hypervisor, v39 or newer");
        }
        CloudHypervisor hypervisor = new CloudHypervisor(machine, Integer.parseInt(found.group(1)));
        hypervisor.requireSupported();
        return hypervisor;
    }

    void requireSupported() {
        if (version < OLDEST) {
            throw Failure.machine(PROGRAM + " v" + version + " is too old", "install v" + BZIMAGE + " or newer");
        }
        if (version < BZIMAGE && !isElf(machine.payload().kernel())) {
            throw Failure.machine(PROGRAM + " v" + version + " cannot boot " + machine.payload().kernel() + ": it starts only the uncompressed vmlinux",
                    "give that with --kernel FILE, or install v" + BZIMAGE + " or newer");
        }
        if (machine.payload().efi()) {
            throw Failure.usage("--efi is for QEMU", "add --hypervisor qemu");
        }
        if (machine.network() instanceof Network.User) {
            throw Failure.usage("cloud-hypervisor has no user networking", "use --net tap (the default with it) or --net none; ports are reached at the guest's own address");
        }
    }

    private static boolean isElf(Path kernel) {
        try (InputStream in = Files.newInputStream(kernel)) {
            return new String(in.readNBytes(4), java.nio.charset.StandardCharsets.ISO_8859_1).equals("\177ELF");
        } catch (IOException e) {
            throw Failure.io("cannot read " + kernel, e);
        }
    }

    @Override
    public String name() {
        return "ch";
    }

    @Override
    public String describe() {
        return "machine " + machine.name() + ": cloud-hypervisor v" + version + ", " + machine.describe();
    }

    @Override
    public String quitKey() {
        return "Ctrl-a x";
    }

    /** The command line of the hypervisor; everything else goes through its API. */
    List<String> argv() {
        return List.of(PROGRAM, "--api-socket", machine.control().toString());
    }

    ChConfig config() {
        return ChConfig.of(machine, version, version < SERIAL_SOCKET ? new ChConfig.Serial("Pty", Optional.empty())
                : new ChConfig.Serial("Socket", Optional.of(machine.console().toString())));
    }

    @Override
    public Guard start(Serial serial, Shell shell, List<List<String>> cleanup) {
        clearSockets();
        Guard guard = Guard.over(() -> shell.open(machine.commandApart(argv()), this::toLog), shell, cleanup, machine.folder().toString());
        try {
            boot(guard.child().toHandle());
            return guard;
        } catch (Failure e) {
            guard.close();
            throw e;
        }
    }

    @Override
    public ProcessHandle background(Shell shell) {
        clearSockets();
        ProcessHandle process = shell.release(machine.commandApart(argv()), this::toLog).toHandle();
        try {
            boot(process);
            return process;
        } catch (Failure e) {
            process.destroyForcibly();
            throw e;
        }
    }

    private void toLog(ProcessBuilder streams) {
        streams.redirectInput(Path.of("/dev/null").toFile()).redirectErrorStream(true).redirectOutput(machine.hypervisorLog().toFile());
    }

    /** Old sockets stop versions before 53 from starting. */
    private void clearSockets() {
        if (UnixSocket.connect(machine.control(), READY).map(socket -> {
            socket.close();
            return true;
        }).orElse(false)) {
            throw new Failure("somebody listens on " + machine.control(), "another cloud-hypervisor runs this machine: end it, or use --name NAME");
        }
        Trees.delete(machine.control());
        Trees.delete(machine.console());
    }

    private void boot(ProcessHandle process) {
        ChApi api = new ChApi(machine.control());
        long end = System.nanoTime() + READY.toNanos();
        while (api.get("vmm.ping").isEmpty()) {
            if (!process.isAlive() || System.nanoTime() > end) {
                throw notStarted();
            }
            LockSupport.parkNanos(20_000_000);
        }
        try {
            boolean done = api.put("vm.create", config()) && api.put("vm.boot");
            if (!done || !api.get("vm.info").map(info -> info.path("state")).map(JsonNode::asText).orElse("").equals("Running")) {
                throw new Failure(PROGRAM + " took the machine but does not run it" + said(), "");
            }
        } catch (Failure e) {
            throw new Failure(e.what() + said(), e.hint(), e).exit(FAILED);
        }
    }

    private Failure notStarted() {
        String what = PROGRAM + " did not start" + said();
        return Accelerator.deviceObstacle(Path.of("/dev/kvm")).map(obstacle -> Failure.machine(what, PROGRAM + " needs KVM: " + obstacle))
                .orElseGet(() -> new Failure(what, "").exit(FAILED));
    }

    private String said() {
        return Files.exists(machine.hypervisorLog()) ? BootCheck.indented(Trees.read(machine.hypervisorLog()).lines().toList()) : "";
    }

    /** The console, which is written to the boot log on its way. */
    @Override
    public InputStream console(Guard started) {
        Peer peer = new ChApi(machine.control()).console();
        try {
            OutputStream log = Files.newOutputStream(machine.bootLog());
            return new FilterInputStream(peer.stream()) {
                @Override
                public int read(byte[] bytes, int offset, int length) throws IOException {
                    int n = super.read(bytes, offset, length);
                    if (n > 0) {
                        log.write(bytes, offset, n);
                    }
                    return n;
                }

                @Override
                public void close() throws IOException {
                    peer.close();
                    log.close();
                }
            };
        } catch (IOException e) {
            throw Failure.io("cannot write " + machine.bootLog(), e);
        }
    }

    @Override
    public int joinTerminal(Guard started, Shell shell) {
        try (Peer console = new ChApi(machine.control()).console()) {
            Terminal.join(console, shell, System.in, System.out, "x");
        }
        return started.child().isAlive() ? 0 : started.join();
    }
}
