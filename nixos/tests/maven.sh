# shellcheck shell=sh
# The Maven that nixpkgs has, or one whose dependency hashes are the same: Debian's 3.8 fetches differently.

# fetch_maven DIR: unpacks it below DIR and prints where. Needs a Maven, and JAVA_HOME.
fetch_maven() {
    mkdir -p "$1/maven"
    maven -q org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy \
        -Dartifact=org.apache.maven:apache-maven:3.9.9:tar.gz:bin -DoutputDirectory="$1/maven" >&2 &&
        tar -x -f "$1/maven/apache-maven-3.9.9-bin.tar.gz" -C "$1/maven" >&2 || return 1
    echo "$1/maven/apache-maven-3.9.9"
}
