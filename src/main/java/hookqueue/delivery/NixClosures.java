package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.nix.Nix;
import hookqueue.nix.PathInfo;
import hookqueue.process.ChildProcess;
import hookqueue.process.ExitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Queries Nix for closures, with one child process for many paths.
 *
 * <p>A failed query, and one with more than 30,000 members or 600,000 references, gives no answer.
 *
 * @param children with a short stall timeout
 */
public record NixClosures(Nix nix, ChildProcess children, Map<String, String> environment)
        implements ClosureSource {
    private static final Logger LOG = LoggerFactory.getLogger(NixClosures.class);
    private static final int MOST_MEMBERS = 30_000;
    private static final int MOST_REFERENCES = 600_000;

    @Override
    public Optional<Collection<Member>> closures(List<StorePath> paths) {
        var answer = new Answer();
        for (List<StorePath> group : Nix.groups(paths.stream().filter(this::isPresent).toList())) {
            ExitResult result =
                    children.ask(
                            nix.closureInfo(group),
                            environment,
                            line -> {},
                            json -> PathInfo.read(json, nix.storeDir(), answer::take));
            if (!result.succeeded() || answer.isTooLong()) {
                LOG.info("cannot ask Nix for closures: {}; one batch at a time for 1min", result);
                return Optional.empty();
            }
        }
        return Optional.of(answer.members.values());
    }

    private boolean isPresent(StorePath path) {
        return Files.exists(Path.of(path.in(nix.storeDir())), LinkOption.NOFOLLOW_LINKS);
    }

    /** Written by the thread that reads the output, which ends before the answer is used. */
    private static final class Answer {
        final Map<Long, Member> members = new HashMap<>();
        private int references;

        void take(PathInfo info) {
            references += info.references().size();
            if (!isTooLong()) {
                Member member = Member.of(info);
                members.put(member.digest(), member);
            }
        }

        boolean isTooLong() {
            return members.size() >= MOST_MEMBERS || references > MOST_REFERENCES;
        }
    }
}
