/**
 * Takes what is due from the queue to where it is to go, and judges what came of it.
 *
 * <p>Each lane has a thread of its own and runs one batch at a time. {@link
 * hookqueue.delivery.DeliveryPolicy} decides what to run next and what a failure proves; it is
 * pure. When the queue's disk fails, a lane waits and goes on: what it could not record is
 * delivered once more. A lane never gives up a path by itself, it records a verdict.
 */
@NullMarked
package hookqueue.delivery;

import org.jspecify.annotations.NullMarked;
