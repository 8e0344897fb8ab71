package lib;

import java.io.StringWriter;
import java.util.List;
import java.util.regex.Pattern;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/**
 * Results of boots in the form that CI systems read (JUnit's XML).
 *
 * @param name of the whole
 * @param seconds that all of it took
 */
record BootJunit(String name, double seconds, List<Case> cases) {
    /** Characters that XML 1.0 (2.2) cannot hold. */
    private static final Pattern XML_UNFIT = Pattern.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\x{10000}-\\x{10ffff}]");

    /**
     * One thing that was held against its rule.
     *
     * @param failure what is wrong; empty when nothing is
     * @param details lines below it
     * @param skipped why it was not tried; empty when it was
     */
    record Case(String name, double seconds, String failure, List<String> details, String skipped) {
        /** Something that only took its time. */
        static Case measured(String name, double seconds) {
            return new Case(name, seconds, "", List.of(), "");
        }
    }

    String xml() {
        StringWriter text = new StringWriter();
        try {
            XMLStreamWriter xml = XMLOutputFactory.newFactory().createXMLStreamWriter(text);
            xml.writeStartDocument();
            xml.writeStartElement("testsuite");
            xml.writeAttribute("name", name);
            xml.writeAttribute("tests", Integer.toString(cases.size()));
            xml.writeAttribute("failures", Long.toString(cases.stream().filter(one -> !one.failure().isEmpty()).count()));
            xml.writeAttribute("skipped", Long.toString(cases.stream().filter(one -> !one.skipped().isEmpty()).count()));
            xml.writeAttribute("time", Double.toString(seconds));
            for (Case one : cases) {
                write(xml, one);
            }
            xml.writeEndElement();
            xml.writeEndDocument();
            xml.close();
        } catch (XMLStreamException e) {
            throw new IllegalStateException(e);
        }
        return text.toString();
    }

    private void write(XMLStreamWriter xml, Case one) throws XMLStreamException {
        xml.writeStartElement("testcase");
        xml.writeAttribute("classname", name);
        xml.writeAttribute("name", fit(one.name()));
        xml.writeAttribute("time", Double.toString(one.seconds()));
        if (!one.failure().isEmpty()) {
            xml.writeStartElement("failure");
            xml.writeAttribute("message", fit(one.failure()));
            xml.writeCharacters(fit(String.join("\n", one.details())));
            xml.writeEndElement();
        }
        if (!one.skipped().isEmpty()) {
            xml.writeEmptyElement("skipped");
            xml.writeAttribute("message", fit(one.skipped()));
        }
        xml.writeEndElement();
    }

    private static String fit(String text) {
        return XML_UNFIT.matcher(text).replaceAll("");
    }
}
