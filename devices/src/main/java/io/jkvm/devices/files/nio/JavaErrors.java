// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.core.linux.Errno;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.ReadOnlyFileSystemException;

/** What Java says of failures, as Linux would. */
final class JavaErrors {
  /** Those that Java tells by their text only, which is the C library's in its language. */
  private static final int[] BY_TEXT = {
    Errno.ENOSPC,
    Errno.EDQUOT,
    Errno.EPERM,
    Errno.EISDIR,
    Errno.ENOTDIR,
    Errno.ENOTEMPTY,
    Errno.ENAMETOOLONG,
    Errno.EXDEV,
    Errno.EROFS,
    Errno.ELOOP,
    Errno.EMLINK,
    Errno.EMFILE,
    Errno.ENFILE,
    Errno.EFBIG,
    Errno.EBUSY,
    Errno.EINVAL,
    Errno.ENOMEM,
    Errno.EOPNOTSUPP
  };

  private JavaErrors() {}

  /** Something that fails as Java does. */
  @FunctionalInterface
  interface Operation {
    int run() throws IOException;
  }

  /** Does something; returns its result, or the error number negated that its failure means. */
  static int errno(Operation operation) {
    try {
      return operation.run();
    } catch (IOException e) {
      return -of(e);
    } catch (ReadOnlyFileSystemException e) {
      return -Errno.EROFS;
    } catch (InvalidPathException e) {
      return -Errno.EINVAL;
    } catch (NonReadableChannelException | NonWritableChannelException e) {
      return -Errno.EBADF;
    } catch (SecurityException e) {
      return -Errno.EACCES;
    } catch (UnsupportedOperationException e) {
      return -Errno.EOPNOTSUPP;
    }
  }

  private static int of(IOException e) {
    if (e instanceof JavaPaths.StaleNodeException) {
      return Errno.ESTALE;
    }
    if (e instanceof NoSuchFileException) {
      return Errno.ENOENT;
    }
    if (e instanceof FileAlreadyExistsException) {
      return Errno.EEXIST;
    }
    if (e instanceof DirectoryNotEmptyException) {
      return Errno.ENOTEMPTY;
    }
    if (e instanceof NotDirectoryException) {
      return Errno.ENOTDIR;
    }
    if (e instanceof AccessDeniedException) {
      return Errno.EACCES;
    }
    if (e instanceof NotLinkException) {
      return Errno.EINVAL;
    }
    if (e instanceof FileSystemLoopException) {
      return Errno.ELOOP;
    }
    if (e instanceof ClosedChannelException) {
      return Errno.EBADF;
    }
    String reason =
        e instanceof FileSystemException ? ((FileSystemException) e).getReason() : e.getMessage();
    return reason == null ? Errno.EIO : byText(reason);
  }

  private static int byText(String reason) {
    for (int errno : BY_TEXT) {
      if (reason.contains(Errno.message(errno))) {
        return errno;
      }
    }
    return Errno.EIO;
  }
}
