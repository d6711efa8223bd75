/** One coordinate system in a picture. */
record Panel(Svg svg, double left, double top, double width, double height, Scale x, Scale y) {

    /** Draws its frame; the numbers of the axes have 46 to the left, and 34 below with the name of x. */
    Panel frame(String title, String nameOfX) {
        svg.text("title", left - 40, top - 10, "start", title);
        for (double tick : y.ticks()) {
            svg.line("grid", left, atY(tick), left + width, atY(tick));
            svg.text("dim", left - 6, atY(tick) + 4, "end", Scale.name(tick));
        }
        for (double tick : x.ticks()) {
            svg.line("grid", atX(tick), top, atX(tick), top + height);
            svg.text("dim", atX(tick), top + height + 16, "middle", Scale.name(tick));
        }
        svg.text("dim", left + width, top + height + 31, "end", nameOfX);
        return this;
    }

    double atX(double value) {
        return left + x.at(value) * width;
    }

    double atY(double value) {
        return top + (1 - y.at(value)) * height;
    }

    void curve(String kind, double[] xs, double[] ys) {
        double[] placesX = new double[xs.length];
        double[] placesY = new double[xs.length];
        for (int i = 0; i < xs.length; i++) {
            placesX[i] = atX(xs[i]);
            placesY[i] = atY(ys[i]);
        }
        svg.curve(kind, placesX, placesY);
    }

    void dots(String kind, double[] xs, double[] ys) {
        for (int i = 0; i < xs.length; i++) {
            svg.dot(kind, atX(xs[i]), atY(ys[i]));
        }
    }

    /** What the two kinds of lines are. */
    void legend(String a, String b) {
        double at = top + 14;
        svg.line("line a", left + 8, at, left + 32, at);
        svg.text("", left + 38, at + 4, "start", a);
        svg.line("line b", left + 8, at + 18, left + 32, at + 18);
        svg.text("", left + 38, at + 22, "start", b);
    }
}
