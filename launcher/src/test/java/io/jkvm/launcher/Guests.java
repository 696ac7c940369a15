// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Tests that run beside others, and how many guests each has at a time. One begins when there is
 * room for all of them; one that starts the command and no guest counts as one. An annotated method
 * counts as its own annotation has it, not as its class's.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Execution(ExecutionMode.CONCURRENT)
@ExtendWith(GuestLimit.class)
@interface Guests {
  int value() default 1;
}
