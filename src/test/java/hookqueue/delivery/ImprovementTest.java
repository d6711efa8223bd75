package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImprovementTest {
    @ParameterizedTest
    @CsvSource({
        "https://cache, ZSTD",
        "http://cache?parallel-compression=true, ZSTD",
        "s3://bucket?region=eu, ZSTD",
        "file:///srv/cache, ZSTD",
        "mine=file:///srv/cache, ZSTD",
        "file:///srv/cache?compression=zstd, NONE",
        "s3://bucket?region=eu&compression=xz, NONE",
        "ssh://host, SSH_NG",
        "mine=SSH://host, SSH_NG",
        "ssh-ng://host, NONE",
        "ssh://host?max-connections=2, NO_MAX_CONNECTIONS",
        "mine=ssh-ng://host?max-connections=2, NO_MAX_CONNECTIONS",
        "daemon, NONE",
        "exec:/bin/http://x, NONE"
    })
    void theUrlOfADestinationShowsWhatCouldBeChanged(String word, Improvement expected) {
        assertEquals(expected, Improvement.of(Destination.parse(word)));
    }
}
