/**
 * Takes due paths from the queue, sends them to their destinations, and judges the outcomes.
 *
 * <p>Each lane has its own thread, and may have several batches in flight. {@link
 * hookqueue.delivery.DeliveryPolicy} decides what to run next and what a failure proves; it is
 * pure. When the queue's disk fails, a lane waits and retries, and delivers unrecorded paths once
 * more. A lane never gives up a path itself: it records a verdict.
 */
@NullMarked
package hookqueue.delivery;

import org.jspecify.annotations.NullMarked;
