import java.util.Locale;

/** A picture in SVG that is light where the reader's page is light, and dark where it is dark. */
final class Svg {
    private static final String STYLE =
            """
            <style>
            text { font: 12px system-ui, sans-serif; fill: #1f2328 }
            .title { font-weight: 600; font-size: 14px }
            .dim { fill: #59636e }
            .paper { fill: #ffffff }
            .grid { stroke: #d1d9e0 }
            .shade { fill: #bc4c00; opacity: .18 }
            .line { fill: none; stroke-width: 2 }
            .a { stroke: #0969da } .b { stroke: #bc4c00; stroke-dasharray: 6 3 }
            .c { stroke: #1a7f37 } .d { stroke: #8250df } .e { stroke: #bf3989 } .f { stroke: #9a6700 } .goal { stroke: #1a7f37; stroke-width: 3 }
            .dot-a { fill: #0969da } .dot-b { fill: #bc4c00 }
            @media (prefers-color-scheme: dark) {
              text { fill: #f0f6fc } .dim { fill: #9198a1 } .paper { fill: #0d1117 } .grid { stroke: #3d444d }
              .a { stroke: #4493f8 } .b { stroke: #db6d28 } .c { stroke: #3fb950 } .d { stroke: #ab7df8 } .e { stroke: #db61a2 } .f { stroke: #d29922 } .goal { stroke: #3fb950 } .dot-a { fill: #4493f8 } .dot-b { fill: #db6d28 }
              .shade { fill: #db6d28; opacity: .3 }
            }
            </style>
            """;

    private final StringBuilder out = new StringBuilder();

    Svg(int width, int height, String description) {
        out.append(format(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n",
                width, height, width, height));
        out.append("<title>").append(escape(description)).append("</title>\n").append(STYLE);
        rectangle("paper", 0, 0, width, height);
    }

    void text(String kind, double x, double y, String anchor, String text) {
        out.append(format("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", kind, x, y, anchor,
                escape(text)));
    }

    void line(String kind, double x1, double y1, double x2, double y2) {
        out.append(format("<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", kind, x1, y1, x2, y2));
    }

    void rectangle(String kind, double x, double y, double width, double height) {
        out.append(format("<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", kind, x, y, width,
                height));
    }

    void dot(String kind, double x, double y) {
        out.append(format("<circle class=\"dot-%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", kind, x, y));
    }

    /** Through all points, one after the other. */
    void curve(String kind, double[] x, double[] y) {
        out.append("<polyline class=\"line ").append(kind).append("\" points=\"");
        for (int i = 0; i < x.length; i++) {
            out.append(format(i == 0 ? "%.1f,%.1f" : " %.1f,%.1f", x[i], y[i]));
        }
        out.append("\"/>\n");
    }

    private static String format(String form, Object... values) {
        return String.format(Locale.ROOT, form, values);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;");
    }

    @Override
    public String toString() {
        return out + "</svg>\n";
    }
}
