package hookqueue;

import hookqueue.protocol.Listener;

/**
 * Answers the listener whether the worker may exit: only when nothing is left to do, and when the
 * roots agree with that.
 */
record RemainingWork(StatusPublisher publisher, Housekeeping housekeeping)
        implements Listener.Work {
    @Override
    public boolean remains() throws InterruptedException {
        if (publisher.remains()) {
            return true;
        }
        if (housekeeping.isSwept()) {
            return false;
        }
        housekeeping.requestSweep();
        return true;
    }

    @Override
    public boolean isBusy() {
        return publisher.isBusy();
    }
}
