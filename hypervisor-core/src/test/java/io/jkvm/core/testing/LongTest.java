// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;

/**
 * What takes minutes where KVM interprets the guest's kernel: {@code make test-all} runs it, and
 * {@code make test} has something shorter of its kind, at least unit tests of the parts.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag("long")
public @interface LongTest {}
