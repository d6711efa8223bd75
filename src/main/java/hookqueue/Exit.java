package hookqueue;

/** How the program ends; the numbers are those of sysexits.h. */
enum Exit {
    /** There was nothing left to do, or systemd asked it to stop. */
    OK(0),
    /** The command line is wrong. */
    USAGE(64),
    /** No listening socket was handed down. */
    NO_SOCKET(66),
    /** A bug; systemd starts it again. */
    BUG(70),
    /** The state directory cannot be used. */
    NO_STATE(73),
    /** The settings are wrong. */
    CONFIG(78);

    private final int code;

    Exit(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
