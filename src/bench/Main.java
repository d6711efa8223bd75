import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The commands for src/dev/bench.sh and src/dev/soak.sh. */
final class Main {
    private Main() {}

    public static void main(String[] args) throws IOException {
        List<String> words = List.of(args);
        boolean good = switch (words.getFirst()) {
            case "bench" -> {
                // DIST quick|full COMMIT FILE [ROW...]
                Path file = Path.of(words.get(4));
                Bench.run(Path.of(words.get(1)), words.get(2).equals("quick"), words.subList(5, words.size()), file, words.get(3));
                yield show(file);
            }
            case "show" -> show(Path.of(words.get(1)));
            case "soak" -> Soak.run(Path.of(words.get(1)), Integer.parseInt(words.get(2)), Path.of(words.get(3)));
            case "flat" -> {
                var grown = Flat.judge(Table.read(Path.of(words.get(1))));
                grown.forEach(System.out::println);
                yield grown.isEmpty();
            }
            default -> throw new IllegalArgumentException("no such command: " + words.getFirst());
        };
        // Ends the threads of servers and clients.
        System.exit(good ? 0 : 1);
    }

    private static boolean show(Path file) throws IOException {
        var figures = Figures.read(file);
        System.out.println();
        System.out.println(Report.table(figures));
        System.out.println(Report.machine(figures));
        System.out.println(file);
        return true;
    }
}
