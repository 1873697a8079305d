#!/bin/sh
# The main job in one breath: items in, ranked hits out. The items are cosimo's own catalogue of methods.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cosimo build src/cosimo/catalogue.jsonl --text name,paper,summary --id name --field home:str --into "$folder/methods.cosimo"
for question in "make vectors smaller without losing much" "which threshold should I use" "search with several vectors per document"; do
    echo
    echo "? $question"
    cosimo search "$folder/methods.cosimo" "$question" -k 3
done
