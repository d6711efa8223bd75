package hookqueue.queue;

/**
 * The queue's disk did not take or give what was asked; nothing of it has happened. The message is
 * for people.
 */
public final class QueueException extends Exception {
    private static final long serialVersionUID = 1;

    /**
     * @param message what could not be done and why
     */
    public QueueException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
