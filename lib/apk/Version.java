package lib.apk;

/**
 * Alpine package versions: {@code digits{.digits}{letter}{_suffix{digits}}...{-r digits}}, ordered as apk-tools 2.14 orders them.
 *
 * <p>Both texts are read token by token and the first difference decides. The odd corners are the real ones: {@code 1.00 < 1.0},
 * {@code 1.0 < 1.0-r0}, {@code 1.2_rc < 1.2 < 1.2_p1}; the forms that a strict grammar loses ({@code 0.104.o}, {@code 1.0.0b1-r5})
 * still have a place in the order.
 */
public final class Version {
    /** Kinds of tokens in rank order: of two versions that part here, the one with the higher rank is the lesser. */
    private static final int ZERO = 0;
    private static final int DIGIT = 1;
    private static final int LETTER = 2;
    private static final int SUFFIX = 3;
    private static final int SUFFIX_NUMBER = 4;
    private static final int REVISION = 5;
    private static final int END = 6;
    private static final int BAD = -1;

    private static final int LONGEST_NUMBER = 17;
    private static final String[] PRE = {"alpha", "beta", "pre", "rc"};
    private static final String[] POST = {"cvs", "svn", "git", "hg", "p"};

    private Version() { }

    /** Negative, zero or positive as {@code a} is older than, equal to or newer than {@code b}. */
    public static int compare(String a, String b) {
        return compare(a, b, false);
    }

    /** Whether the two are equal as far as the shorter one goes: {@code 1.2} and {@code 1.2.9}, but not {@code 1.20}. */
    public static boolean fuzzyEqual(String a, String b) {
        return compare(a, b, true) == 0;
    }

    /** Whether the text is a version by the grammar; {@code bogus} and the empty text are not. */
    public static boolean valid(String text) {
        Reader reader = new Reader(text);
        do {
            reader.next();
        } while (reader.read != END && reader.read != BAD);
        return reader.read == END;
    }

    private static int compare(String a, String b, boolean fuzzy) {
        if (a.equals(b)) {
            return 0;
        }
        Reader x = new Reader(a);
        Reader y = new Reader(b);
        while (true) {
            long left = x.next();
            long right = y.next();
            if (x.read != y.read) {
                return fuzzy ? 0 : parting(x, left, y, right);
            }
            if (left != right) {
                return left < right ? -1 : 1;
            }
            if (x.read == END || x.read == BAD) {
                return 0;
            }
        }
    }

    /** The order of two versions whose tokens were equal so far and now are of different kinds. */
    private static int parting(Reader x, long left, Reader y, long right) {
        if (x.unknownSuffix || x.read == SUFFIX && left < 0) {
            return -1;
        }
        if (y.unknownSuffix || y.read == SUFFIX && right < 0) {
            return 1;
        }
        return x.read > y.read ? -1 : 1;
    }

    /** Reads one version: {@code kind} is the kind of the token that comes next, {@code read} of the one that was read last. */
    private static final class Reader {
        private final String text;
        private int at;
        private int kind = DIGIT;
        private int read;
        private boolean unknownSuffix;

        private Reader(String text) {
            this.text = text;
            if (text.isEmpty()) {
                kind = BAD;
                read = BAD;
            }
        }

        /** The value of the next token. */
        private long next() {
            read = kind;
            if (kind == END || kind == BAD) {
                return 0;
            }
            long value = switch (kind) {
                case ZERO -> zero();
                case DIGIT, SUFFIX_NUMBER, REVISION -> number();
                case LETTER -> text.charAt(at++);
                case SUFFIX -> suffix();
                default -> 0;
            };
            if (read == BAD) {
                kind = BAD;
            } else if (kind == read) {
                follow();
            }
            return value;
        }

        /** A component after a dot: zeros in front make it a fraction, so that 1.001 is less than 1.01. */
        private long zero() {
            int zeros = 0;
            while (at + zeros < text.length() && text.charAt(at + zeros) == '0') {
                zeros++;
            }
            if (zeros == 0) {
                return number();
            }
            at += zeros - 1;
            kind = DIGIT;
            return -(zeros - 1L);
        }

        private long number() {
            int start = at;
            long value = 0;
            while (at < text.length() && digit(text.charAt(at))) {
                value = value * 10 + text.charAt(at++) - '0';
                if (at - start > LONGEST_NUMBER) {
                    read = BAD;
                    return 0;
                }
            }
            return value;
        }

        private long suffix() {
            for (int i = 0; i < PRE.length; i++) {
                if (text.startsWith(PRE[i], at)) {
                    at += PRE[i].length();
                    return i - PRE.length;
                }
            }
            for (int i = 0; i < POST.length; i++) {
                if (text.startsWith(POST[i], at)) {
                    at += POST[i].length();
                    return i;
                }
            }
            read = BAD;
            unknownSuffix = true;
            return 0;
        }

        /** What may follow the token just read. */
        private void follow() {
            if (at == text.length()) {
                kind = END;
                return;
            }
            char c = text.charAt(at);
            int next = BAD;
            if (letter(c) && (read == ZERO || read == DIGIT)) {
                next = LETTER;
            } else if (digit(c) && read == LETTER) {
                next = DIGIT;
            } else if (digit(c) && read == SUFFIX) {
                next = SUFFIX_NUMBER;
            } else if (c == '.') {
                next = ZERO;
                at++;
            } else if (c == '_') {
                next = SUFFIX;
                at++;
            } else if (c == '-' && text.startsWith("-r", at)) {
                next = REVISION;
                at += 2;
            }
            boolean down = next < read && !(next == ZERO && read == DIGIT) && !(next == SUFFIX && read == SUFFIX_NUMBER)
                    && !(next == DIGIT && read == LETTER);
            kind = down ? BAD : next;
        }

        private static boolean digit(char c) {
            return c >= '0' && c <= '9';
        }

        private static boolean letter(char c) {
            return c >= 'a' && c <= 'z';
        }
    }
}
