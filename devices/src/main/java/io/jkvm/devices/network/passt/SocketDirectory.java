// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import io.jkvm.core.linux.Credentials;
import io.jkvm.core.linux.net.UnixSocket;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** Where one passt makes its socket: a directory of its own, gone as soon as we are connected. */
final class SocketDirectory {
  /** Started by root, passt becomes user "nobody", whose group this is. */
  private static final int NOBODY_GROUP = 65534;

  private static final int EXECUTE_BY_GROUP = 0010;
  private static final int EXECUTE_BY_OTHERS = 0001;

  private final Path directory;
  private final String socket;

  /** Whether passt will be nobody; root of a user namespace without that group stays root. */
  private boolean isForNobody;

  /**
   * Makes it.
   *
   * @param in the directory for temporary files
   * @throws SocketDirectoryException one line if that is not possible there; nothing is left
   */
  SocketDirectory(Path in) throws IOException {
    try {
      directory = Files.createTempDirectory(in, "jkvm-passt-");
    } catch (IOException e) {
      throw new SocketDirectoryException(
          "cannot make a directory for passt's socket in " + in + ": " + reason(e), e);
    }
    socket = directory.resolve("socket").toString();
    try {
      letNobodyIn();
      if (socket.length() > UnixSocket.MAX_PATH_BYTES) {
        throw new SocketDirectoryException(socket + " is too long for passt's socket", null);
      }
    } catch (IOException e) {
      remove();
      throw e;
    }
  }

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "it does not exist";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    return e instanceof FileSystemException file && file.getReason() != null
        ? file.getReason()
        : e.toString();
  }

  private void letNobodyIn() throws IOException {
    if (Credentials.effectiveUserId() == 0) {
      try {
        Files.setAttribute(directory, "unix:gid", NOBODY_GROUP);
        Files.setAttribute(directory, "unix:mode", 0770);
        isForNobody = true;
      } catch (IOException e) {
        Files.setAttribute(directory, "unix:mode", 0700);
      }
    }
  }

  /** The path that passt is told. */
  String socket() {
    return socket;
  }

  /**
   * What keeps passt from making its socket, which it does not notice itself (2023) or says without
   * the place: a directory above that root may enter and nobody may not.
   */
  Optional<String> obstacle() {
    if (!isForNobody) {
      return Optional.empty();
    }
    try {
      for (Path above = directory.toRealPath().getParent();
          above != null;
          above = above.getParent()) {
        if (!mayBeEnteredByNobody(above)) {
          return Optional.of("user nobody, as which root's passt runs, may not enter " + above);
        }
      }
    } catch (IOException e) {
      return Optional.of(directory + " is not there any more");
    }
    return Optional.empty();
  }

  private static boolean mayBeEnteredByNobody(Path directory) throws IOException {
    int mode = (Integer) Files.getAttribute(directory, "unix:mode");
    boolean ofGroup = (Integer) Files.getAttribute(directory, "unix:gid") == NOBODY_GROUP;
    return (mode & (ofGroup ? EXECUTE_BY_GROUP : EXECUTE_BY_OTHERS)) != 0;
  }

  /** Removes it with the socket, if it is still there. */
  void remove() {
    try {
      Files.deleteIfExists(directory.resolve("socket"));
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      // An empty directory of the temporary ones is left, which does no harm.
      assert e != null;
    }
  }
}
