#!/bin/sh
# What pagesight does, on the sample documents: index them, ask five questions, save the pages that answer.
set -eu
index=.demo/index
pictures=.demo/pages
rm -rf "$pictures"

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
ask() {
	folder=$1
	shift
	say pagesight search "\"$1\""
	pagesight --index "$index" search "$@" -k 3 --save-images "$pictures/$folder"
}

say pagesight index sample_docs
pagesight --index "$index" index sample_docs
ask 1-table "which bank loans have to be paid back in 2028"
ask 2-chart "how many Italians make their first coffee with a stovetop pot"
ask 3-scan "how many lamps were planned for the Whitcombe bypass"
ask 4-german "Darf ich auf dem Balkon einen Holzkohlegrill benutzen?"
ask 5-chinese "extra daily pay for surveyors working in the mountains above 3000 metres" --filter 'document ~ "office/*"'
say pagesight info
pagesight --index "$index" info
printf '\nThe pages with the matching places marked are in %s:\n' "$pictures"
find "$pictures" -name '*.png' | sort | sed 's/^/  /'
