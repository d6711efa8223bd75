import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** From values to places along an axis, and the values that are named on it. */
record Scale(double least, double most, boolean logarithmic) {

    Scale {
        if (!(most > least) || logarithmic && least <= 0) {
            throw new IllegalArgumentException("no scale from " + least + " to " + most);
        }
    }

    /** From 0 to a round number that is not below the value. */
    static Scale upTo(double most) {
        double step = step(Math.max(most, 1e-6));
        return new Scale(0, Math.ceil(Math.max(most, 1e-6) / step - 1e-9) * step, false);
    }

    /** Whole powers of ten around the values. */
    static Scale powers(double least, double most) {
        double low = Math.floor(Math.log10(least) + 1e-9);
        double high = Math.max(low + 1, Math.ceil(Math.log10(most) - 1e-9));
        return new Scale(Math.pow(10, low), Math.pow(10, high), true);
    }

    /** Where a value is, from 0 to 1. */
    double at(double value) {
        return logarithmic
                ? (Math.log10(value) - Math.log10(least)) / (Math.log10(most) - Math.log10(least))
                : (value - least) / (most - least);
    }

    List<Double> ticks() {
        var ticks = new ArrayList<Double>();
        if (logarithmic) {
            for (double tick = least; tick < most * 1.001; tick *= 10) {
                ticks.add(tick);
            }
        } else {
            double step = step(most - least);
            for (int i = 0; least + i * step < most + step / 1000; i++) {
                ticks.add(least + i * step);
            }
        }
        return ticks;
    }

    /** 1, 2 or 5 times a power of ten, about a quarter of the range. */
    private static double step(double range) {
        double power = Math.pow(10, Math.floor(Math.log10(range / 4)));
        for (int times : new int[] {1, 2, 5}) {
            if (range / (times * power) <= 5) {
                return times * power;
            }
        }
        return 10 * power;
    }

    /** "2.5k", "1M". */
    static String name(double value) {
        double size = Math.abs(value);
        if (size >= 1e6) {
            return trimmed(value / 1e6) + "M";
        }
        return size >= 1e4 ? trimmed(value / 1e3) + "k" : trimmed(value);
    }

    private static String trimmed(double value) {
        String text = String.format(Locale.ROOT, Math.abs(value) >= 100 ? "%.0f" : Math.abs(value) >= 10 ? "%.1f" : "%.2f", value);
        return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
    }
}
