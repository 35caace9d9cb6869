#!/bin/sh
# Free material that the drawings are made of, into a folder: photographs, screenshots, handwriting, brands, outlines of countries.
# Nothing of it is in the repository or in the head, which holds 1,280 weights a kind.
set -eu
folder=${1:?usage: materials.sh FOLDER}
mkdir -p "$folder/deb" "$folder/pip" "$folder/fetched"
cd "$folder/fetched"
apt-get download mate-backgrounds ukui-wallpapers lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 \
    gimp-help-en gnome-user-docs kicad-doc-en opencv-doc \
    fonts-dkg-handwriting fonts-breip fonts-femkeklaver fonts-rufscript fonts-isabella fonts-sjfonts fonts-kristi \
    fonts-radisnoir fonts-ecolier-court fonts-dancingscript
for package in *.deb; do dpkg-deb -x "$package" ../deb; done
python3 -m pip download --no-deps --dest . fontawesomefree==6.6.0 geopandas==0.13.2
python3 -m pip download --no-deps --dest . --only-binary :all: --python-version 3.7 --platform manylinux1_x86_64 scikit-image==0.16.2
for wheel in *.whl; do python3 -m zipfile -e "$wheel" ../pip; done
