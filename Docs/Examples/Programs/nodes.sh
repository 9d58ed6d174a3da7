#!/bin/sh
# machines.txt has an address and a name on each line.
printf '{"snapshot":['
awk 'NF {printf "%s{\"nodename\":\"%s\",\"addresses\":[\"%s\"]}", c, $2, $1; c=","}' machines.txt && echo ']}'
