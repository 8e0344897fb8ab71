package lib;

/** Who writes the flists of build.java --upload-manifests. */
public enum FlistWriter {
    /** This program itself. */
    NATIVE,
    /** The {@code rfs} program, where it is installed. */
    RFS
}
