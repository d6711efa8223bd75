package hookqueue.queue;

/**
 * The remembered speed of one child process of a lane, from the last batches that can show what
 * limits it.
 *
 * @param bytesPerSecond of batches of at least 1 MB; 0 while it is unknown
 * @param slowBytes whether that is as slow as xz
 * @param millisPerPath of batches of at least 10 small paths; 0 while it is unknown
 * @param slowPaths whether that is as slow as waiting for an answer to every path
 */
public record Speed(
        long bytesPerSecond, boolean slowBytes, long millisPerPath, boolean slowPaths) {}
