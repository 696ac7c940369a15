// SPDX-License-Identifier: Apache-2.0
/**
 * Where a guest's frames go to and come from. A {@link io.jkvm.devices.network.NetworkBackend} is
 * the outside of one card, a {@link io.jkvm.devices.network.NetworkCard} is the card as a backend
 * sees it; what adds something to a backend is a {@link io.jkvm.devices.network.ForwardingBackend}.
 *
 * <p>Frames are pushed. A card that has no room says so, and the backend holds the frame and waits
 * if it has a place for it, or drops it; a paused card has no room.
 */
package io.jkvm.devices.network;
