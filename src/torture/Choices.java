import java.util.List;
import java.util.Random;
import java.util.StringJoiner;

/** The arguments that a step draws from its seed. {@link #toString} shows those drawn so far. */
final class Choices {
    private final Random random;
    private final StringJoiner drawn = new StringJoiner(" ");

    Choices(long seed) {
        random = new Random(seed);
    }

    /** A number from {@code least} to {@code most}, both inclusive. */
    int from(int least, int most) {
        return shown(random.nextInt(least, most + 1));
    }

    boolean flip() {
        return shown(random.nextBoolean());
    }

    <T> T of(List<T> all) {
        return shown(all.get(random.nextInt(all.size())));
    }

    /** For further choices, which are not shown. */
    Random random() {
        return random;
    }

    private <T> T shown(T choice) {
        drawn.add(choice.toString());
        return choice;
    }

    @Override
    public String toString() {
        return drawn.toString();
    }
}
