# gnuplot -e "table='FILE'; picture='FILE'" soak.gnuplot: a soak's samples over time; shaded where a destination was down.
set terminal svg size 860,480 font 'sans-serif,12' background rgb 'white' name 'soak'
set output picture
set datafile separator tab
set datafile columnheaders
set multiplot layout 2,3 margins 0.06,0.98,0.13,0.93 spacing 0.07,0.27
set grid
set xlabel 'minutes'
set yrange [0:*]
set y2range [0:1]
set style fill solid 0.25 noborder
columns = 'rss_kb descriptors threads database children queued'
units = '1024 1 1 1024 1 1'
titles = '"resident memory, MB" descriptors threads "database, kB (red: its log)" "child processes" "paths queued, over all lanes"'
minutes(seconds) = seconds / 60.0
do for [i = 1:words(columns)] {
    name = word(columns, i)
    unit = real(word(units, i))
    set title word(titles, i)
    plot table using (minutes(column('seconds'))):(column('cache_down') + column('program_down') > 0) axes x1y2 \
             with filledcurves y=0 linecolor rgb 'orange' notitle, \
         '' using (minutes(column('seconds'))):(column(name) / unit) with lines linewidth 1.5 linecolor rgb 'blue' notitle, \
         '' using (minutes(column('seconds'))):(name eq 'database' ? column('wal') / unit : NaN) \
             with lines linewidth 1.5 linecolor rgb 'red' notitle
}
