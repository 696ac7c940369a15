// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.SchemaFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.ErrorHandler;
import org.xml.sax.SAXParseException;

/** A report as a strict reader has it. */
final class Xml {
  /** Another schema to validate with as well, for a try by hand: a path. */
  private static final String OTHER_SCHEMA = "jkvm.test.junitSchema";

  private Xml() {}

  /** Parses and validates; anything that is wrong is an exception. */
  static Document parse(byte[] report) throws Exception {
    SchemaFactory schemas = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI);
    var own = new StreamSource(Xml.class.getResourceAsStream("junit-report.xsd"));
    schemas
        .newSchema(own)
        .newValidator()
        .validate(new StreamSource(new ByteArrayInputStream(report)));
    String other = System.getProperty(OTHER_SCHEMA);
    if (other != null) {
      schemas
          .newSchema(new StreamSource(other))
          .newValidator()
          .validate(new StreamSource(new ByteArrayInputStream(report)));
    }
    var builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
    builder.setErrorHandler(new Strict());
    return builder.parse(new ByteArrayInputStream(report));
  }

  static List<Element> elements(Document document, String name) {
    NodeList nodes = document.getElementsByTagName(name);
    List<Element> elements = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      elements.add((Element) nodes.item(i));
    }
    return elements;
  }

  private static final class Strict implements ErrorHandler {
    @Override
    public void warning(SAXParseException e) throws SAXParseException {
      throw e;
    }

    @Override
    public void error(SAXParseException e) throws SAXParseException {
      throw e;
    }

    @Override
    public void fatalError(SAXParseException e) throws SAXParseException {
      throw e;
    }
  }
}
