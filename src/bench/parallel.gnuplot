# gnuplot -e "table='FILE'; picture='FILE'" parallel.gnuplot: how long so many hooks at once take, beside as many socats.
set terminal svg size 640,330 font 'sans-serif,12' background rgb 'white' name 'parallel'
set output picture
set datafile separator tab
set datafile columnheaders
set title 'Until the last of so many at once is done, ms'
set xlabel 'at once'
set key top left
set grid
set yrange [0:*]
plot table using 'hooks':'all_ms' with linespoints linewidth 2 pointtype 7 pointsize 0.5 title 'hooks', \
     table using 'hooks':'socat_all_ms' with lines linewidth 2 dashtype 2 title 'bare socat to a trivial server'
