# awk -v title=TEXT -f terminal-to-svg.awk: converts the output of `tmux capture-pane -pe` (text with codes for colours and
# bold) to SVG. The picture has its own background, so it is legible on light and dark pages.
function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); return text }
function style() { return " fill=\"" colour "\"" (bold ? " font-weight=\"bold\"" : "") }
# Position each piece explicitly, so that another font's width does not shift the following text.
function piece(text) {
    if (text != "") out = out sprintf("<tspan x=\"%.1f\" textLength=\"%.1f\"%s>%s</tspan>", margin + column * wide, length(text) * wide, style(), escaped(text))
    column += length(text)
    if (column > widest) widest = column
}
function codes(list, n, each, i) {
    n = split(list == "" ? "0" : list, each, ";")
    for (i = 1; i <= n; i++) {
        if (each[i] == 0) { colour = plain; bold = 0 }
        else if (each[i] == 1) bold = 1
        else if (each[i] == 31) colour = "#ff7b72"
        else if (each[i] == 32) colour = "#7ee787"
        else if (each[i] == 33) colour = "#e3b341"
        else if (each[i] == 39) colour = plain
    }
}
BEGIN { wide = 7.8; high = 17; margin = 14; plain = "#e6edf3"; colour = plain; esc = sprintf("%c", 27) }
{
    rest = $0
    sub(/ +$/, "", rest)
    out = ""
    column = 0
    while ((at = index(rest, esc)) > 0) {
        piece(substr(rest, 1, at - 1))
        rest = substr(rest, at + 1)
        end = match(rest, /[a-zA-Z]/)
        if (substr(rest, end, 1) == "m") codes(substr(rest, 2, end - 2))
        rest = substr(rest, end + 1)
    }
    piece(rest)
    lines[NR] = out
    if (column > 0) last = NR
}
END {
    width = margin * 2 + widest * wide
    height = margin * 2 + last * high
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>%s</title>\n", width, height, width, height, escaped(title)
    printf "<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"#161b22\"/>\n"
    printf "<g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"13\" xml:space=\"preserve\">\n"
    for (i = 1; i <= last; i++) if (lines[i] != "") printf "<text y=\"%d\">%s</text>\n", margin + i * high - 4, lines[i]
    print "</g>\n</svg>"
}
