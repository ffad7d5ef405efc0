#!/bin/sh
# What --dut exec: starts: the program beside this script, which --build has built.
exec "$(dirname "$0")/wireguard"
