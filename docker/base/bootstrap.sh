#!/bin/sh
# Writes a root file system equivalent to debian:bookworm-slim, as a tar on standard output, from Debian's own packages.
#
# The builder runs this only where no image registry can be reached, and imports the result as debian:bookworm-slim:
#
#     docker/base/bootstrap.sh | docker import --change 'CMD ["bash"]' - debian:bookworm-slim
#
# It needs mmdebstrap (apt-get install mmdebstrap). As root it makes a chroot; otherwise mmdebstrap picks a mode that needs none.
# The same packages give the same bytes, whenever and wherever it runs: SOURCE_DATE_EPOCH clamps every time stamp.
# DEBIAN_MIRROR names another archive than mmdebstrap's default.
set -eu

# Debian 12 was released on 2023-06-10; any fixed day does, as long as every run takes the same.
: "${SOURCE_DATE_EPOCH:=1686355200}"
export SOURCE_DATE_EPOCH
# The caller's locale and umask must not reach into the image.
export LC_ALL=C.UTF-8
umask 022

# The /usr merge is made by a hook before the first package: made afterwards by the package usrmerge it would leave all of perl (47 MB) behind.
# policy-rc.d keeps packages from starting their service while an image is built, as in the image of the registry.
# What makes the image slim: dpkg leaves these out now and in every later apt-get install (copyright files stay, the licences ask for it).
exec mmdebstrap \
  --quiet \
  --variant=minbase \
  --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
  --include=ca-certificates,usr-is-merged \
  --aptopt='Acquire::Languages "none"' \
  --aptopt='Acquire::GzipIndexes "true"' \
  --aptopt='Acquire::Retries "3"' \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/groff/*' \
  --dpkgopt='path-exclude=/usr/share/lintian/*' \
  --dpkgopt='path-exclude=/usr/share/linda/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --essential-hook='printf "#!/bin/sh\nexit 101\n" > "$1"/usr/sbin/policy-rc.d && chmod 755 "$1"/usr/sbin/policy-rc.d' \
  --customize-hook='rm -f "$1"/etc/hostname "$1"/etc/resolv.conf' \
  --customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old "$1"/var/log/*.log "$1"/var/log/apt/*' \
  bookworm - ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
