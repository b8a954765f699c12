// Not Go: this file keeps node_modules (some packages bring Go sources) out of the module above.
module imerr-scan/tools/evidence

go 1.25
