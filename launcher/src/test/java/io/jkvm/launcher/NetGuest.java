// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.testing.ProjectFiles;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

/** The default guest on a network, and what it talks to. */
final class NetGuest {
  /** Takes what a server (address, port) has into /tmp/f, in large pieces as nc itself does not. */
  static final String RECEIVE = "nc %s %d -e dd of=/tmp/f bs=256k";

  /** Sends /tmp/f to a server. */
  static final String SEND = "nc %s %d -e dd if=/tmp/f bs=256k";

  private static final int ACCEPT_MILLISECONDS = JkvmProcess.BOOT_SECONDS * 1000;

  private NetGuest() {}

  /** Skips a test, saying so, where a program is not on the PATH. */
  static void assumeInstalled(String program) {
    boolean installed =
        List.of(System.getenv("PATH").split(":")).stream()
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    assumeTrue(installed, program + " is not installed");
  }

  /** Arguments of a guest without a disk that runs a command, with more arguments. */
  static String[] args(String commandLine, String command, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--kernel",
                ProjectFiles.guestImage("bzImage").toString(),
                "--initrd",
                ProjectFiles.guestImage("initramfs.cpio").toString(),
                "--cmdline",
                "quiet " + commandLine + " jkvm.run=\"" + command + "\""));
    args.addAll(Arrays.asList(more));
    if (!args.contains("--mem")) {
      args.addAll(List.of("--mem", "64M")); // less to begin with for a kernel that is interpreted
    }
    return args.toArray(new String[0]);
  }

  /** Bytes that look like nothing, the same each time. */
  static byte[] data(int length) {
    byte[] data = new byte[length];
    new Random(length).nextBytes(data);
    return data;
  }

  static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  /** Gives the next client these bytes. */
  static void serve(ServerSocket server, byte[] data) throws Exception {
    server.setSoTimeout(ACCEPT_MILLISECONDS);
    try (Socket client = server.accept();
        OutputStream out = client.getOutputStream()) {
      out.write(data);
    }
  }

  /** What happens in the middle of a transfer. */
  interface Interruption {
    void happen() throws Exception;
  }

  /** The same with three interruptions, each when a quarter has been sent and more is to come. */
  static void serve(ServerSocket server, byte[] data, Interruption interruption) throws Exception {
    server.setSoTimeout(ACCEPT_MILLISECONDS);
    try (Socket client = server.accept();
        OutputStream out = client.getOutputStream()) {
      int quarter = data.length / 4;
      for (int i = 0; i < 3; i++) {
        out.write(data, i * quarter, quarter);
        interruption.happen();
      }
      out.write(data, 3 * quarter, data.length - 3 * quarter);
    }
  }

  /** Takes what the next client has, to its end. */
  static byte[] take(ServerSocket server) throws Exception {
    server.setSoTimeout(ACCEPT_MILLISECONDS);
    try (Socket client = server.accept();
        InputStream in = client.getInputStream()) {
      client.setSoTimeout(ACCEPT_MILLISECONDS);
      return in.readAllBytes();
    }
  }
}
