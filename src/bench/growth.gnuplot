# gnuplot -e "table='FILE'; picture='FILE'" growth.gnuplot: what a longer queue costs; a panel for each column.
set terminal svg size 860,480 font 'sans-serif,12' background rgb 'white' name 'growth'
set output picture
set datafile separator tab
set datafile columnheaders
set multiplot layout 2,3 margins 0.08,0.98,0.13,0.93 spacing 0.09,0.27
set logscale x
set mxtics 1
set grid
set format x '10^{%T}'
set format y '%.0s%c'
set xlabel 'paths queued'
set yrange [0:*]
columns = 'enqueue_per_s drain_per_s start_ms hook_ms rss_mb database_mb'
titles = '"paths in, a second" "paths out (no-op), a second" "start to first answer, ms" "hook, ms" "resident memory, MB" "database, MB"'
do for [i = 1:words(columns)] {
    set title word(titles, i)
    plot table using 'paths':word(columns, i) with linespoints linewidth 2 pointtype 7 pointsize 0.5 notitle
}
