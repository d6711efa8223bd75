package hookqueue;

/** Exit codes of the program, from sysexits.h. */
enum Exit {
    /** Idle, or stopped by systemd. */
    OK(0),
    /** The command line is wrong. */
    USAGE(64),
    /** No listening socket. */
    NO_SOCKET(66),
    /** A bug; systemd restarts the worker. */
    BUG(70),
    /** The state directory cannot be used. */
    NO_STATE(73),
    /**
     * Restart at once, to read the settings again: EX_TEMPFAIL, which the unit treats as success.
     */
    RESTART(75),
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
