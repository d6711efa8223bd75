package hookqueue.queue;

/**
 * What became of the paths of one request.
 *
 * @param queued paths that are in the queue now, those that already were included
 * @param excluded paths that the settings exclude
 */
public record Receipt(int queued, int excluded) {}
