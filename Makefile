# SPDX-License-Identifier: Apache-2.0
# make          builds the distribution, launcher/target/jkvm
# make run      builds everything and boots the default guest to a shell on this terminal
# make test     runs the tests, real KVM and real Linux boots included
# make test-all runs those too that take longest (long storms, further rows of what is tested)
# make test-svm runs jkvm on an emulated hardware-like KVM, needs no /dev/kvm (minutes)
# make test-verdicts  the kernel's own tests under jkvm and under QEMU, and whether they agree
# make test-suites    file system suites on what jkvm shares (JKVM_SUITES=DIR has them)
# make bench    the disk under jkvm and QEMU and on the bare host, tables and a chart; takes long
# make docs     regenerates the tables of README.md and docs/ and the manual page
# make javadoc  makes the API documentation, MODULE/target/reports/apidocs; fails on a warning
# Other targets: guest-images, format, clean.

JKVM := launcher/target/jkvm/bin/jkvm
MVN := mvn -q -B -ntp
SOURCES := pom.xml docs/jkvm.1 $(wildcard guest-images/agent/*) $(shell find hypervisor-core \
	devices firmware machine launcher \
	-path '*/target' -prune -o -type f ! -path '*/src/test/*' -print | sed 's/ /\\ /g')
IMAGES := guest-images/build

.PHONY: all run test test-all test-svm test-verdicts test-suites bench guest-images default-guest docs javadoc format clean java
.DELETE_ON_ERROR:

all: $(JKVM)

java:
	@.ci/require.sh javac=default-jdk-headless mvn=maven

$(JKVM): $(SOURCES) | java
	@guest-images/build.sh agent
	@echo "jkvm: building (about 30 seconds; the first time Maven also fetches what it needs)"
	@$(MVN) package -DskipTests -pl '!benchmarks'
	@touch $@

guest-images:
	@guest-images/build.sh all network-tools
	@guest-images/asm/build.sh

# The SMP kernel is minutes of building that `make run` does not need.
default-guest:
	@guest-images/build.sh kernel initramfs rootfs

# Class data sharing: a quicker start (docs/performance.md), recorded from one real start.
launcher/target/cds.stamp: $(JKVM) | default-guest
	@.ci/class-archive.sh
	@touch $@

run: launcher/target/cds.stamp default-guest
	@if [ -t 0 ]; then \
	  echo "jkvm: booting the default guest (seconds; Ctrl-A x stops it, Ctrl-A h helps)"; \
	  $(JKVM) run --kernel $(IMAGES)/bzImage --disk $(IMAGES)/rootfs.img --cmdline quiet; \
	else \
	  echo "jkvm: booting the default guest; no terminal here, so it says hello and stops"; \
	  $(JKVM) run --kernel $(IMAGES)/bzImage --disk $(IMAGES)/rootfs.img \
	    --cmdline 'quiet jkvm.run="uname -a"' --timeout 5m; \
	fi

test: EXCLUDED := long
test: REPEAT := 2
test-all: EXCLUDED := none
test-all: REPEAT := 50

test test-all: guest-images | java
	@.ci/require.sh nasm=nasm iasl=acpica-tools setpriv=util-linux \
	  ip=iproute2 ping=iputils-ping passt=passt tcpdump=tcpdump iperf3=iperf3
	@echo "jkvm: building and testing (many minutes)"
	@mvn -B -ntp verify -Djkvm.excludedTests=$(EXCLUDED) -Djkvm.repeat=$(REPEAT)

# Stock distribution kernels and more than one CPU, which this machine's KVM may not be able to run.
test-svm: $(JKVM)
	@test-bed/run all

test-verdicts: $(JKVM)
	@.ci/require.sh qemu-system-x86_64=qemu-system-x86 python3=python3 xmllint=libxml2-utils cpio=cpio \
	  busybox=busybox-static
	@guest-images/build.sh kunit kselftest
	@guest-images/kselftest/verdicts.sh

test-suites: $(JKVM) | default-guest
	@$(MVN) test-compile -pl devices -am
	@guest-images/suites/run.sh

bench: $(JKVM)
	@benchmarks/bench.sh

docs: | java
	@$(MVN) test -pl launcher -am -Dtest=GeneratedDocsTest -Djkvm.docs.write=true \
	  -Dsurefire.failIfNoSpecifiedTests=false

javadoc: | java
	@$(MVN) compile javadoc:javadoc

format:
	@$(MVN) spotless:apply

clean:
	@$(MVN) clean
	@rm -rf guest-images/build test-bed/build
