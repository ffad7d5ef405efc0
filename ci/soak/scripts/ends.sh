#!/bin/sh
# A tunnel that ends at once and says that all is well.
exit 0
