// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The condition behind {@link RequiresKvm}. */
final class KvmCondition implements ExecutionCondition {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    try (Fd kvm = Fd.open("/dev/kvm", Libc.O_RDWR)) {
      return ConditionEvaluationResult.enabled("KVM opens as descriptor " + kvm.value());
    } catch (LinuxException e) {
      return ConditionEvaluationResult.disabled("no KVM: " + e.getMessage());
    }
  }
}
