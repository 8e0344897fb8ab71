///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 17+
//MAIN Image
//SOURCES lib/**.java

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import lib.AdviceVerb;
import lib.Channels;
import lib.HardwareVerb;
import lib.ImageMetadata;
import lib.InspectionVerb;
import lib.LintVerb;
import lib.Retention;
import lib.RuntimeChannel;
import lib.Signing;
import lib.SizeVerb;
import lib.Store;
import lib.Upload;
import lib.Verification;
import lib.Workspace;
import lib.tool.Cache;
import lib.tool.Cli;
import lib.tool.Columns;
import lib.tool.Console;
import lib.tool.Download;
import lib.tool.Failure;
import lib.tool.Json;
import lib.tool.Shell;
import lib.tool.Tools;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;

@Command(name = "image.java", sortOptions = false, usageHelpWidth = 110, synopsisSubcommandLabel = "VERB",
        description = "Works on finished images.",
        subcommands = {Image.Publish.class, Image.Programs.class, Image.Verify.class, Image.Promote.class, Image.Rollback.class, Image.Listing.class, Image.Prune.class,
            HardwareVerb.class, InspectionVerb.class, LintVerb.class, SizeVerb.class, AdviceVerb.class},
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:it failed", "2:wrong command line or configuration", "3:this machine lacks something",
            "4:a signature, digest or contract is not met", "130:interrupted"},
        footer = {"", "\"image.java VERB --help\" tells all about a verb. The bucket is config/rfs.conf, or the variables of the same names."})
class Image implements Cli.Script {
    @Option(names = {"-h", "--help"}, usageHelp = true, scope = ScopeType.INHERIT, description = "Show this help.")
    boolean help;
    @Option(names = {"-q", "--quiet"}, scope = ScopeType.INHERIT, description = "Print nothing on stderr but failures.")
    boolean quiet;
    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show commands and stack traces (DEBUG=1).")
    boolean debug = "1".equals(System.getenv("DEBUG"));

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    public static void main(String... args) {
        Cli.main(new Image(), args);
    }

    @Override
    public boolean debug() {
        return debug;
    }

    @Override
    public Integer call() {
        throw Failure.usage("no verb is given", "one of: " + String.join(" ", spec.subcommands().keySet()));
    }

    /** What every verb that talks to the bucket takes. */
    static class Bucket {
        @Option(names = "-C", paramLabel = "DIR", description = "Workspace: the folder that holds config/ and dist/ (default: found upwards from here).")
        Optional<Path> folder;
        @Option(names = "--config", paramLabel = "DIR", description = "Configuration folder (default: config/ of the workspace).")
        Optional<Path> config;
        @Option(names = "--subpath", paramLabel = "PATH",
                description = "Folder of the images below S3_PREFIX (KERNEL_SUBPATH, " + Upload.DEFAULT_SUBPATH + ").")
        String subpath = Upload.subpath(System.getenv());
        @Option(names = "--json", description = "Print the result as JSON.")
        boolean json;
        @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
        CommandLine.Model.CommandSpec verb;

        private Tools tools;

        Tools tools() {
            if (tools == null) {
                Console console = Console.stderr(((Image) verb.parent().userObject()).debug()).quiet(((Image) verb.parent().userObject()).quiet);
                Cache cache = new Cache(Cache.defaultFolder(System.getenv()), console::log);
                tools = new Tools(console, new Shell(console), cache, new Download(console, cache, false));
            }
            return tools;
        }

        Workspace workspace() {
            return Workspace.find(folder, config);
        }

        Store store() {
            Path file = workspace().config().resolve("rfs.conf");
            return Store.read(file, System.getenv()).orElseThrow(() -> Failure.usage("no bucket is configured",
                    "copy rfs.conf.example to " + file + " and fill it in, or set S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY and S3_SECRET_KEY"));
        }

        /** Prints a result: as JSON, or as this text. */
        int print(Object value, Supplier<String> text) {
            System.out.print(json ? Json.pretty(value) : text.get());
            return 0;
        }
    }

    @Command(name = "publish", sortOptions = false, description = {"Uploads an image, its metadata, and lists it in kernels.txt and kernels.json.",
        "Without FILE: the image of the last build in dist/. The same name with other bytes is refused."})
    static class Publish implements Callable<Integer> {
        @Mixin
        Bucket bucket;
        @Parameters(paramLabel = "FILE", arity = "0..1", description = "vmlinuz-{VERSION}-{MY_INIT_HASH}.efi")
        Optional<Path> file;
        @Option(names = "--channel", paramLabel = "NAME", description = "Point this channel at the image.")
        Optional<String> channel;
        @Option(names = "--rebuild-index", description = "Upload nothing; make both indexes from the objects that are there.")
        boolean rebuild;
        @Option(names = "--force", description = "Replace other bytes under the same name.")
        boolean force;
        @Option(names = "--dry-run", description = "Say what would be done; write nothing.")
        boolean dryRun;

        @Override
        public Integer call() {
            if (rebuild && (file.isPresent() || channel.isPresent() || force)) {
                throw Failure.usage("--rebuild-index uploads nothing: FILE, --channel and --force do not go with it", "publish first, then rebuild the index");
            }
            channel.ifPresent(Channels::requireName);
            Upload upload = new Upload(bucket.store(), bucket.tools());
            if (rebuild) {
                List<String> names = upload.rebuildIndex(bucket.subpath, dryRun);
                return bucket.print(names, () -> String.join("\n", names) + "\n");
            }
            Upload.Published published = upload.publish(file.orElseGet(() -> Upload.lastBuild(bucket.workspace().dist())), bucket.subpath, new Upload.Mode(force, dryRun));
            channel.ifPresent(name -> bucket.tools().console().detail(dryRun ? "would point channel " + name + " at it"
                    : new Channels(bucket.store(), bucket.tools()).point(bucket.subpath, name, published.name(), false).text()));
            if (!published.changed()) {
                bucket.tools().console().detail("nothing to do: it is there with the same bytes");
            }
            return bucket.print(published, () -> published.key() + "\n");
        }
    }

    @Command(name = "runtime", sortOptions = false, description = {"Publishes programs that nodes fetch after they have booted (service runtime-fetch).",
        "The channel then names exactly these files: programs, or archives of programs (.tar, .tar.gz, .tar.xz, .tar.zst)."})
    static class Programs implements Callable<Integer> {
        @Mixin
        Bucket bucket;
        @Parameters(index = "0", paramLabel = "CHANNEL", description = "For example testing; RUNTIME_CHANNEL of the image.")
        String channel;
        @Parameters(index = "1..*", arity = "1..*", paramLabel = "FILE", description = "Program or archive.")
        List<Path> files;
        @Option(names = "--dry-run", description = "Say what would be published; write nothing.")
        boolean dryRun;

        @Override
        public Integer call() {
            RuntimeChannel.Published published = new RuntimeChannel(bucket.store(), bucket.tools()).publish(channel, files, dryRun);
            return bucket.print(published, () -> published.manifest() + "\n");
        }
    }

    @Command(name = "verify", sortOptions = false, description = {"Checks signatures and digests with the public key alone.",
        "Without an argument: the configured bucket. A folder or URL of published images: index, metadata, channels and every image.",
        "An image's file or URL: that image, with {name}.json and {name}.json.sig beside it."})
    static class Verify implements Callable<Integer> {
        @Mixin
        Bucket bucket;
        @Parameters(paramLabel = "URL|FILE", arity = "0..1", description = "What to check.")
        Optional<String> what;
        @Option(names = "--key", paramLabel = "FILE", description = "Public key (default: signing.pub of the configuration).")
        Optional<Path> key;
        @Option(names = "--at-least", paramLabel = "VERSION", description = "Refuse an index with a lower version.")
        Optional<Long> atLeast;

        @Override
        public Integer call() {
            what.filter(text -> atLeast.isPresent() && ImageMetadata.NAME.matcher(text.replaceFirst(".*/", "")).matches()).ifPresent(text -> {
                throw Failure.usage("--at-least is for an index, and " + text + " is one image", "give the folder of the images, or leave --at-least away");
            });
            Path file = key.orElseGet(() -> bucket.workspace().config().resolve("signing.pub"));
            Verification verification = new Verification(Signing.publicKey(file), bucket.tools(), atLeast);
            Verification.Verified verified = what.map(text -> verification.verify(text, Path.of("").toAbsolutePath()))
                    .orElseGet(() -> verification.verify(bucket.store(), bucket.subpath));
            return bucket.print(verified, () -> {
                List<String> lines = new ArrayList<>(verified.images());
                verified.channels().forEach(name -> lines.add("channel " + name));
                verified.expires().ifPresent(end -> lines.add("index version " + verified.version() + ", good until " + end));
                return String.join("\n", lines) + "\n";
            });
        }
    }

    @Command(name = "promote", sortOptions = false, description = "Points channel TO at the image that channel FROM names.")
    static class Promote implements Callable<Integer> {
        @Mixin
        Bucket bucket;
        @Parameters(paramLabel = "NAME", description = "The image; FROM must name it.")
        String name;
        @Parameters(paramLabel = "FROM", description = "Channel, for example canary.")
        String from;
        @Parameters(paramLabel = "TO", description = "Channel, for example production.")
        String to;
        @Option(names = "--dry-run", description = "Say what would be done; write nothing.")
        boolean dryRun;

        @Override
        public Integer call() {
            Channels.Change change = new Channels(bucket.store(), bucket.tools()).promote(bucket.subpath, name, from, to, dryRun);
            return bucket.print(change, () -> (dryRun ? "would be: " : "") + change.text() + "\n");
        }
    }

    @Command(name = "rollback", sortOptions = false, description = "Points a channel back at the image that it named before.")
    static class Rollback implements Callable<Integer> {
        @Mixin
        Bucket bucket;
        @Parameters(paramLabel = "CHANNEL", description = "For example production.")
        String channel;
        @Option(names = "--dry-run", description = "Say what would be done; write nothing.")
        boolean dryRun;

        @Override
        public Integer call() {
            Channels.Change change = new Channels(bucket.store(), bucket.tools()).rollback(bucket.subpath, channel, dryRun);
            return bucket.print(change, () -> (dryRun ? "would be: " : "") + change.text() + "\n");
        }
    }

    @Command(name = "list", sortOptions = false, description = "Lists the published images, newest first, with their channels.")
    static class Listing implements Callable<Integer> {
        @Mixin
        Bucket bucket;

        @Override
        public Integer call() {
            List<Channels.Listed> listed = new Channels(bucket.store(), bucket.tools()).list(bucket.subpath);
            return bucket.print(listed, () -> Columns.aligned(listed.stream().map(one -> List.of(one.name(), one.size().map(String::valueOf).orElse("-"),
                    one.built().orElse("-"), String.join(" ", one.channels()))).toList()));
        }
    }

    @Command(name = "prune", sortOptions = false, description = {"Removes all but the newest images.",
        "An image that a channel names, or would name after a rollback, always stays."})
    static class Prune implements Callable<Integer> {
        @Mixin
        Bucket bucket;
        @Option(names = "--keep", paramLabel = "N", required = true, description = "How many of the newest images to keep.")
        int keep;
        @Option(names = "--dry-run", description = "Say what would go; remove nothing.")
        boolean dryRun;

        @Override
        public Integer call() {
            if (keep < 1) {
                throw Failure.usage("--keep " + keep + " would remove every image", "give 1 or more");
            }
            Retention.Pruned pruned = new Retention(bucket.store(), bucket.tools()).prune(bucket.subpath, keep, dryRun);
            return bucket.print(pruned, () -> {
                StringBuilder text = new StringBuilder();
                pruned.removed().forEach(name -> text.append(dryRun ? "would remove " : "removed ").append(name).append('\n'));
                pruned.unfinished().forEach(name -> text.append(dryRun ? "would remove the unfinished " : "removed the unfinished ").append(name).append('\n'));
                return text.toString();
            });
        }
    }
}
