// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;

/**
 * What takes minutes where KVM interprets the guest's kernel, and of which {@code make test} has a
 * shorter one of its kind: {@code make test-all} runs it. A test that fails is looked for among
 * these next.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag("long")
public @interface LongTest {}
