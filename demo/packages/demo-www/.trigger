#!/bin/sh
# One index of the fragments of all packages, and the theme that was chosen.
{
    echo '<!doctype html><html lang="en"><head><title>MOS Builder demo</title><link rel="stylesheet" href="style.css"></head><body>'
    cat /usr/share/demo/pages/*.html
    echo '</body></html>'
} > /srv/www/index.html
cp /usr/share/demo/theme/style.css /srv/www/style.css
