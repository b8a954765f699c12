# Names for commands that work by hand as well. Needs Go; golangci-lint for check (.ci/run builds the right version).
SIZE ?= 512MiB
ROUNDS ?= 5
FUZZ_SECONDS ?= 20
SOAK ?= 1h

.PHONY: build test check golden bench bench-detect fuzz fuzz-keep peers chaos faults soak kit release ci

build:
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/imerr-scan ./cmd/imerr-scan

test:
	go test ./...

check: # format, vet, lint, architecture, races
	test -z "$$(gofmt -l cmd internal pkg tools)"
	go vet ./... && golangci-lint run ./... && go test -race ./...

golden: # rewrite the golden files of the packages that have some; read the diff before keeping it
	go test $$(grep -rlE --include='*_test.go' 'flag\.Bool\("update"' . | xargs -n1 dirname | sort -u) -update

bench: # make bench SIZE=64MiB ROUNDS=1
	go run ./tools/bench -size $(SIZE) -rounds $(ROUNDS)

bench-detect: # the acceptance table of the detector, beside simple methods; minutes
	go run ./tools/benchdetect

fuzz: # make fuzz FUZZ_SECONDS=60
	.ci/fuzz $(FUZZ_SECONDS)

fuzz-keep: # takes into testdata/fuzz what reached code that nothing else does
	go run ./tools/fuzzkeep

chaos: # kills, pauses, outages and scaling under load, at full size: 20 minutes on a fake broker, 20 on three of Apache Kafka
	go test ./cmd/imerr-scan -tags peers -run 'TestChaos$$|TestARealKafkaInChaos$$' -v -timeout 90m -chaos-full

faults: # full disks, read errors, slow and absent readers, kills, limits, thousands of files, at full size: a quarter of an hour. As root, disks too
	go test ./cmd/imerr-scan -run 'TestFault|TestServeCountsOnce|TestFollowOverRotations' -v -timeout 60m -parallel 2 -faults-full

soak: # make soak SOAK=10m; serve at an even pace, with all that happens to it: memory, descriptors and counts
	go test ./cmd/imerr-scan -run 'TestSoak$$' -v -timeout 0 -soak $(SOAK)

peers: # needs the packages prometheus, prometheus-alertmanager, systemd, chromium, tmux, openjdk-17-jre-headless, maven, and DuckDB's command
	go test -tags peers -run 'TestAReal|TestPromtool' ./internal/kafka ./internal/notify ./internal/metrics ./internal/page ./deploy ./cmd/imerr-scan

tour: # write docs/tour.md and its pictures anew; needs the package chromium
	go test ./cmd/imerr-scan -run 'TestTour$$' -update
	go test -tags peers ./cmd/imerr-scan -run TestARealBrowserDrawsTheTour -update

kit: # what kit prints, against the code of its readers; fetches modules that the product does not need
	cd tools/kitcheck && go vet ./... && go test -count=1 ./...

release: # make release VERSION=1.0.0; into dist/: archives, deb, rpm, SBOMs, checksums. tools/release/try says whether two builds are equal
	go run ./tools/release -version "$(VERSION)" -out dist

ci:
	.ci/run
